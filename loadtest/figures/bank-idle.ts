// How much of its time the bank had nothing to do, from its own statement.
import type { BankCharge } from '../../infra/clients/bank.ts';

type Turn = Pick<BankCharge, 'startedAtMs' | 'finishedAtMs'>;

/** The share of [first turn, `until`] that lies between the end of one turn and the start of the next. */
export function idleShare(charges: Turn[], until: number): number | null {
  const turns = charges.filter(({ startedAtMs }) => startedAtMs < until).sort((a, b) => a.startedAtMs - b.startedAtMs);
  const first = turns[0];
  if (!first || until <= first.startedAtMs) return null;
  let busyUntil = first.startedAtMs;
  let idleMs = 0;
  for (const { startedAtMs, finishedAtMs } of [...turns, { startedAtMs: until, finishedAtMs: until }]) {
    idleMs += Math.max(0, startedAtMs - busyUntil);
    busyUntil = Math.max(busyUntil, finishedAtMs);
  }
  return idleMs / (until - first.startedAtMs);
}
