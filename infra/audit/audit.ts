// The invariants of the project, against the live stores.
import { setTimeout as sleep } from 'node:timers/promises';
import { acrossChecks, incomparable } from './across.ts';
import { type Check, type Total, totals } from './check.ts';
import { gateChecks } from './gate.ts';
import { type InFlight, inFlightChecks, ordersInFlight } from './in-flight.ts';
import { inventoryChecks } from './inventory.ts';
import { orderChecks } from './orders.ts';
import { participantChecks } from './participants.ts';
import { moneyChecks } from './payment.ts';
import { type Reading, takeReading } from './reading.ts';
import { isAtRest, restChecks } from './rest.ts';
import type { Stores } from './stores.ts';

export interface AuditOptions {
  /** Whether nothing may be pending; without it the audit looks whether anything is. */
  atRest?: boolean;
  /** How long the lines of rest may take to become true: a gate hears of the last result a moment after it. */
  patienceMs?: number;
}

export interface AuditResult {
  ok: boolean;
  atRest: boolean;
  checks: Total[];
  inFlight: InFlight[];
  titles: Map<string, string>;
  notes: string[];
}

const PATIENCE_MS = 5_000;
const AGAIN_MS = 500;

export async function audit(
  stores: Stores,
  { atRest, patienceMs = PATIENCE_MS }: AuditOptions = {},
): Promise<AuditResult> {
  for (const giveUpAt = Date.now() + patienceMs; ; await sleep(AGAIN_MS)) {
    const reading = await takeReading(stores);
    const inFlight = ordersInFlight([...reading.gates.values()], reading.orders.rows);
    const anyInstant = [...(await checksOfAnyInstant(stores, reading)), ...inFlightChecks(inFlight)];
    const resting = atRest ?? isAtRest(reading);
    const rest = resting ? restChecks(reading) : [];
    // Only rest may be waited for: what has to hold at every instant and did not is a difference, whatever comes later.
    const worthWaiting = anyInstant.every(({ ok }) => ok) && rest.some(({ ok }) => !ok);
    if (worthWaiting && Date.now() < giveUpAt) continue;
    const checks = [...anyInstant, ...rest];
    return { ok: checks.every(({ ok }) => ok), atRest: resting, checks: totals(checks), inFlight, ...remarks(reading) };
  }
}

async function checksOfAnyInstant(stores: Stores, reading: Reading): Promise<Check[]> {
  const { gatesBefore, gates, orders, inventory, charges, statement } = reading;
  const rows = [...orders.rows.values()];
  const reservationsBySale = Map.groupBy(inventory.reservations.values(), ({ saleId }) => saleId);
  const ordersBySale = Map.groupBy(rows, ({ saleId }) => saleId);
  return [
    ...[...gates.values()].flatMap(gateChecks),
    ...[...inventory.sales.values()].flatMap((sale) => inventoryChecks(sale, reservationsBySale.get(sale.id) ?? [])),
    ...[...ordersBySale].flatMap(([saleId, ordersOfSale]) => orderChecks(saleId, ordersOfSale)),
    ...(await participantChecks(stores, rows, { reservations: inventory.reservations, charges })),
    ...(await acrossChecks(stores, { before: gatesBefore, after: gates, inventory })),
    ...(await moneyChecks(stores.payment, charges, statement)),
  ];
}

function remarks({ gatesBefore, gates, inventory }: Reading): Pick<AuditResult, 'titles' | 'notes'> {
  const moving = incomparable({ before: gatesBefore, after: gates, inventory });
  return {
    titles: new Map([...inventory.sales.values()].map(({ id, title }) => [id, title])),
    notes: moving.map((id) => `sale ${id}: its gate is missing or being rebuilt, so it is not compared with inventory`),
  };
}
