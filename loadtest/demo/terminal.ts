// A terminal taken for drawing and given back as it was, whichever way the process ends.
import type { WriteStream } from 'node:tty';

// The other screen, no cursor, no wrapping; and all of it back.
const TAKE = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const GIVE_BACK = '\x1b[?7h\x1b[?25h\x1b[?1049l';
// Shown at once, by terminals that know how; the others do not mind.
const [BEGIN, END] = ['\x1b[?2026h', '\x1b[?2026l'];

export interface Terminal {
  draw(lines: string[]): void;
  size(): { columns: number; rows: number };
  close(): void;
}

export function openTerminal(out: WriteStream, redraw: () => void): Terminal {
  const size = () => ({ columns: out.columns || 80, rows: out.rows || 24 });
  let taken = false;
  const take = () => {
    if (!taken) out.write(TAKE);
    taken = true;
  };
  const resume = () => {
    take();
    redraw();
  };
  const giveBack = () => {
    if (taken) out.write(GIVE_BACK);
    taken = false;
  };
  const suspend = () => {
    giveBack();
    process.kill(process.pid, 'SIGSTOP');
  };
  // What ends the process unforeseen is written to a screen that stays.
  const hooks = [
    ['exit', giveBack],
    ['uncaughtExceptionMonitor', giveBack],
    ['SIGTSTP', suspend],
    ['SIGCONT', resume],
  ] as const;
  for (const [event, hook] of hooks) process.on(event as 'exit', hook);
  out.on('resize', redraw);
  take();
  return {
    draw(lines) {
      const at = (row: number) => `\x1b[${row + 1};1H\x1b[2K${lines[row] ?? ''}`;
      const rows = Array.from({ length: size().rows }, (_, row) => at(row));
      if (taken) out.write(`${BEGIN}${rows.join('')}${END}`);
    },
    size,
    close() {
      for (const [event, hook] of hooks) process.off(event, hook);
      out.off('resize', redraw);
      giveBack();
    },
  };
}
