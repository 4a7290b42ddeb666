// How a run is shown while it happens: on a live screen, or in plain lines where nobody could see one.
import type { WriteStream } from 'node:tty';
import type { ServiceEvent } from '../../infra/native/stack.ts';
import { liveShow } from './live.ts';
import { plainShow } from './plain.ts';
import type { OnSample } from './sample.ts';
import type { Act, ActName } from './scene.ts';

export type Say = (line: string) => void;

export interface Show {
  say: Say;
  /** What the demo does now, until the next stage. */
  stage(text: string): void;
  /** A crowd begins; its samples go to what this answers. */
  begin(act: ActName): OnSample;
  /** Something happened in the act that is running. */
  mark(text: string): void;
  service(event: ServiceEvent): void;
  /** Nothing is drawn any more: the terminal is free for the report. */
  end(): void;
}

export interface ShowOptions {
  title: string;
  acts: Act[];
  out: WriteStream;
}

export const createShow = (options: ShowOptions, plain: boolean): Show =>
  plain || !isScreen(options.out) ? plainShow(options) : liveShow(options);

/** A terminal that can be drawn on, with somebody in front of it. */
export const isScreen = ({ isTTY }: { isTTY: boolean }, env = process.env): boolean =>
  isTTY && env.TERM !== 'dumb' && !env.CI;

/** Lines begin with the seconds since the demo began. */
export function createSay(write: (line: string) => void): Say {
  const began = performance.now();
  return (line) => write(`${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${line}`);
}
