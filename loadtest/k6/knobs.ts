// What the environment may turn in the scripts, and nothing else is read from it.
declare const __ENV: Record<string, string | undefined>;

export const KNOBS = {
  ROAD: 'queued or direct: only that one, where a script takes both',
  UNITS: 'for sale',
  BUYERS: 'who click',
  SECONDS: 'in which they click',
  RATE: 'clicks per second',
  TOP: 'clicks per second, the highest step',
  BANK: 'charges per second, 0 for no limit',
  SOAK_MINUTES: 'of soak',
  FIRST_BUYER: 'number of the first of them in the venue',
  CLICKS: '1: a line of JSON for each click',
} as const;
export type Knob = keyof typeof KNOBS;

export function knob(name: Exclude<Knob, 'ROAD'>, byDefault: number): number {
  const value = Number(__ENV[name] || byDefault);
  if (!(value >= 0)) throw new Error(`${name} must be a number, not ${__ENV[name]}`);
  return value;
}

export type Road = 'queued' | 'direct';

/** Those that the script is to take, in that order. */
export function roads(): Road[] {
  const asked = __ENV.ROAD;
  if (!asked) return ['queued', 'direct'];
  if (asked !== 'queued' && asked !== 'direct') throw new Error(`ROAD must be queued or direct, not ${asked}`);
  return [asked];
}
