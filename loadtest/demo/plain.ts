// Plain lines: what happened, and about once a second how the crowd fares.
import { describeEvent } from '../../infra/native/supervisor.ts';
import { count } from '../figures/format.ts';
import { inLine, type Sample } from './sample.ts';
import type { Act } from './scene.ts';
import { createSay, type Show, type ShowOptions } from './show.ts';

const EVERY_MS = 1_000;

export function plainShow({ acts, out }: ShowOptions): Show {
  const say = createSay((line) => out.write(`${line}\n`));
  return {
    say,
    stage: say,
    begin(name) {
      const act = acts.find((one) => one.name === name) as Act;
      let dueMs = EVERY_MS;
      return (sample, last) => {
        if (!last && sample.atMs < dueMs) return;
        // After a stall the next second from here on, not each of those that were missed.
        dueMs = (Math.floor(sample.atMs / EVERY_MS) + 1) * EVERY_MS;
        say(progressLine(act, sample));
      };
    },
    mark: () => undefined,
    service(event) {
      const line = describeEvent(event);
      if (line) say(line);
    },
    end: () => undefined,
  };
}

/** In line: said yes to and not decided; open: not answered yet. */
export function progressLine({ name, mode }: Pick<Act, 'name' | 'mode'>, sample: Sample): string {
  const { sent, yes, refused, other, confirmed } = sample;
  const counts: [number, string][] = [
    [sent, 'clicks'],
    [yes, 'yes'],
    [refused, 'no'],
    ...(other ? ([[other, 'other']] as [number, string][]) : []),
    [inLine(mode, sample), mode === 'queued' ? 'in line' : 'open'],
    [confirmed, 'sold'],
  ];
  return `${name.padEnd(8)}  ${counts.map(([value, what]) => `${count(value).padStart(5)} ${what}`).join('  ')}`;
}
