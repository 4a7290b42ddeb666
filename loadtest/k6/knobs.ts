// Settings that scripts take from the environment. Node reads the list too, so this file imports nothing of k6.
declare const __ENV: Record<string, string | undefined>;

export const KNOBS = {
  MODE: 'queued or direct: only that one, where a script takes both',
  UNITS: 'for sale',
  BUYERS: 'who click',
  SECONDS: 'in which they click',
  RATE: 'clicks per second',
  TOP: 'clicks per second, the highest rung',
  BANK: 'charges per second, 0 for no limit',
  SOAK_MINUTES: 'of soak',
  FIRST_BUYER: 'number of the first buyer of the address book who clicks',
  CLICKS: '1: a line of JSON for each click',
} as const;

export function knob(name: Exclude<keyof typeof KNOBS, 'MODE'>, byDefault: number): number {
  const value = Number(__ENV[name] || byDefault);
  if (!(value >= 0)) throw new Error(`${name} must be a number, not ${__ENV[name]}`);
  return value;
}

export type Mode = 'queued' | 'direct';

/** The modes that the script takes, in that order. */
export function modes(): Mode[] {
  const taken = (['queued', 'direct'] as const).filter((mode) => mode === (__ENV.MODE || mode));
  if (taken.length === 0) throw new Error(`MODE must be queued or direct, not ${__ENV.MODE}`);
  return taken;
}
