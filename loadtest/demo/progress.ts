// Progress of a demo while it runs: on a live screen, or in plain lines where no screen can be drawn on.
import type { WriteStream } from 'node:tty';
import { describeEvent, type ServiceEvent } from '../../infra/native/supervisor.ts';
import { count } from '../figures/format.ts';
import { lastOf, type OnSample, type Sample, START, waitingOrders } from './run.ts';
import { frame } from './screen.ts';
import { settings } from './settings.ts';

const PLAIN_EVERY_MS = 1_000;
const DRAW_EVERY_MS = 250;

export type Progress = ReturnType<typeof createProgress>;
export type Size = { columns: number; rows: number };

export interface State {
  title: string;
  phase: string;
  began: number;
  runs: RunState[];
  events: ServiceEvent[];
  log: string[];
}

export type RunState = (typeof plans)[number] & {
  status: 'to come' | 'running' | 'done';
  samples: Sample[];
  marks: { atMs: number; text: string }[];
};

export const plans = [
  { ...settings, name: 'queued', mode: 'queued', title: 'published to a queue: yes now, the result later' },
  { ...settings, name: 'direct', mode: 'direct', title: 'services call each other: one response at the end' },
  {
    ...settings,
    ...settings.accident,
    name: 'accident',
    mode: 'queued',
    title: 'queued, and an orders worker is killed',
  },
] as const;
const { units, buyers, burstSeconds, bank } = settings;
const TITLE = `FLASH SALE  ${count(buyers)} buyers for ${count(units)} units in ${burstSeconds} s; the bank takes ${bank.chargesPerSecond}/s`;

export function createProgress(out: WriteStream, live: boolean) {
  const runs = plans.map((plan): RunState => ({ ...plan, status: 'to come', samples: [START], marks: [] }));
  const state: State = { title: TITLE, phase: '', began: performance.now(), runs, events: [], log: [] };
  let closeScreen = live ? openScreen(out, (size) => frame(state, size)) : undefined;

  function log(line: string) {
    const timed = `${((performance.now() - state.began) / 1000).toFixed(1).padStart(5)} s  ${line}`;
    if (closeScreen) state.log.push(timed);
    else out.write(`${timed}\n`);
  }
  return {
    log,
    phase(text: string) {
      state.phase = text.replace(/ {2,}/, ': ');
      log(text);
    },
    begin(name: RunState['name']): OnSample {
      const run = runs.find((one) => one.name === name) as RunState;
      run.status = 'running';
      let dueMs = PLAIN_EVERY_MS;
      return (sample, last) => {
        run.samples.push(sample);
        if (last) run.status = 'done';
        else if (closeScreen || sample.atMs < dueMs) return;
        // After a stall the next second from here on, not each of those that were missed.
        dueMs = (Math.floor(sample.atMs / PLAIN_EVERY_MS) + 1) * PLAIN_EVERY_MS;
        log(progressLine(run, sample));
      };
    },
    /** An event in the current run, at its latest sample. */
    mark(text: string) {
      const run = runs.find(({ status }) => status === 'running');
      run?.marks.push({ atMs: lastOf(run.samples).atMs, text });
    },
    service(event: ServiceEvent) {
      state.events.push(event);
      const line = describeEvent(event);
      if (line) log(line);
    },
    /** Gives the terminal back for the report; the log stays on it. */
    end() {
      if (!closeScreen) return;
      closeScreen();
      closeScreen = undefined;
      out.write(`${state.log.join('\n')}\n`);
    },
  };
}

/** A terminal that can be drawn on, with a reader in front of it. */
export const isScreen = ({ isTTY }: { isTTY: boolean }, env = process.env) => isTTY && env.TERM !== 'dumb' && !env.CI;

export function progressLine({ name, mode }: Pick<RunState, 'name' | 'mode'>, sample: Sample): string {
  const { sent, yes, refused, other, confirmed } = sample;
  const waiting = waitingOrders(mode, sample);
  const counts = { clicks: sent, yes, no: refused, ...(other && { other }), waiting, sold: confirmed };
  const cells = Object.entries(counts).map(([what, value]) => `  ${count(value).padStart(5)} ${what}`);
  return name.padEnd(8) + cells.join('');
}

// The alternate screen, no cursor, no wrapping; and all of it back.
const [TAKE, GIVE_BACK] = ['\x1b[?1049h\x1b[?25l\x1b[?7l', '\x1b[?7h\x1b[?25h\x1b[?1049l'];
// A frame between these appears at once; a terminal that does not know them ignores them.
const [BEGIN, END] = ['\x1b[?2026h', '\x1b[?2026l'];

/** Takes the terminal for drawing; it is given back as it was, whichever way the process ends. */
function openScreen(out: WriteStream, frameOf: (size: Size) => string[]) {
  let taken = false;
  const draw = () => {
    const [columns, rows] = [out.columns || 80, out.rows || 24];
    const lines = frameOf({ columns, rows });
    const drawn = Array.from({ length: rows }, (_, row) => `\x1b[${row + 1};1H\x1b[2K${lines[row] ?? ''}`);
    out.write(`${BEGIN}${drawn.join('')}${END}`);
  };
  const take = () => {
    if (!taken) out.write(TAKE);
    taken = true;
    draw();
  };
  const giveBack = () => {
    if (taken) out.write(GIVE_BACK);
    taken = false;
  };
  const suspend = () => {
    giveBack();
    process.kill(process.pid, 'SIGSTOP');
  };
  const hooks = { exit: giveBack, uncaughtExceptionMonitor: giveBack, SIGTSTP: suspend, SIGCONT: take };
  for (const [event, hook] of Object.entries(hooks)) process.on(event, hook);
  out.on('resize', draw);
  const timer = setInterval(draw, DRAW_EVERY_MS);
  take();
  return () => {
    clearInterval(timer);
    for (const [event, hook] of Object.entries(hooks)) process.off(event, hook);
    out.off('resize', draw);
    giveBack();
  };
}
