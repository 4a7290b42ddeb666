// The invariants of the project, checked against the live stores.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Total, totals } from './check.ts';
import { boundChecks, everythingInFlight, type InFlight } from './in-flight.ts';
import { incomparable, instantChecks } from './instant.ts';
import { needsNoGate, type Reading, takeReading } from './reading.ts';
import { isAtRest, restChecks } from './rest.ts';
import type { Stores } from './stores.ts';

export interface AuditOptions {
  /** True: nothing may be pending. By default the audit finds out whether anything is. */
  atRest?: boolean;
  /** Timeout for the checks of rest to become true: a gate applies the last result a moment after orders has it. */
  withinMs?: number;
}

export interface AuditResult {
  ok: boolean;
  atRest: boolean;
  checks: Total[];
  inFlight: InFlight[];
  titles: Map<string, string>;
  notes: string[];
}

const AGAIN_MS = 500;

export async function audit(stores: Stores, { atRest, withinMs = 5_000 }: AuditOptions = {}): Promise<AuditResult> {
  for (const giveUpAt = Date.now() + withinMs; ; await sleep(AGAIN_MS)) {
    const reading = await takeReading(stores);
    const found = everythingInFlight(reading);
    const instant = [...(await instantChecks(stores, reading)), ...boundChecks(found)];
    const resting = atRest ?? isAtRest(reading);
    const rest = resting ? restChecks(reading) : [];
    // Only rest may be waited for: a check that has to hold at every instant and did not is a difference for good.
    const worthWaiting = instant.every(({ ok }) => ok) && rest.some(({ ok }) => !ok);
    if (worthWaiting && Date.now() < giveUpAt) continue;
    const checks = totals([...instant, ...rest]);
    return {
      ok: checks.every(({ ok }) => ok),
      atRest: resting,
      checks,
      inFlight: found.filter(({ kind }) => kind !== 'hold'),
      titles: new Map(reading.sales.map(({ saleId, title }) => [saleId, title])),
      notes: notesOf(reading, resting),
    };
  }
}

function notesOf(reading: Reading, resting: boolean): string[] {
  const over = new Set(reading.sales.filter((sale) => needsNoGate(reading, sale)).map(({ saleId }) => saleId));
  return [
    ...[...incomparable(reading)].map((saleId) =>
      over.has(saleId)
        ? `sale ${saleId}: it is over and has no gate any more, so there is nothing to compare inventory with`
        : `sale ${saleId}: its gate is missing or being rebuilt, so it is not compared with inventory`,
    ),
    ...(resting && !reading.queues ? ['the queues are not read: no broker is named'] : []),
  ];
}
