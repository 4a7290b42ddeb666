// The ledger of orders on a database of its own, and orders in it: placed, reserved, past their deadline.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createPool, migrate } from '@flashsale/runtime/postgres';
import { Registry } from '@prometheus-io/client';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { openEnding } from '../../../infra/testbed/ending.ts';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import type { Order, Placement } from '../src/domain/order.ts';
import type { Reservation } from '../src/domain/ports.ts';
import { createMetrics } from '../src/metrics.ts';
import { createLedger } from '../src/outbound/ledger.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const ending = openEnding();
const url = ending.closed(await openNamespace()).databases.orders;
await migrate(url, fileURLToPath(new URL('../migrations', import.meta.url)), log);
export const pool = createPool(url, log, new Registry());
export const ledger = createLedger(pool, createMetrics(new Registry()), () => undefined);
ending.defer(() => pool.end());

export function placement(fields: Partial<Placement> = {}): Placement {
  const { deadlineMs: _, ...order } = anOrder({ id: randomUUID(), epoch: 1 });
  return { ...order, decideWithinMs: 600_000, ...fields };
}
export const terms = (checkout: string): Reservation => ({
  state: 'held',
  reason: null,
  amount: { amountMinor: 1_000, currency: 'EUR' },
  checkout,
  holdSeconds: 120,
  decideWithinSeconds: 300,
});

export const placed = async (fields: Partial<Placement> = {}) =>
  (await ledger.place([placement(fields)]))[0] ?? assert.fail();

export async function reserved(checkout: string, fields: Partial<Placement> = {}): Promise<Order> {
  const { orderId } = await placed(fields);
  return (await ledger.reserve([{ orderId, ...terms(checkout) }]))[0] ?? assert.fail();
}

export async function reservedMany(howMany: number): Promise<Order[]> {
  const placed = await ledger.place(times(howMany, () => placement()));
  return ledger.reserve(placed.map(({ orderId }) => ({ orderId, ...terms('hold') })));
}

export const passDeadlines = (orders: Order[]) =>
  pool.query('UPDATE orders SET deadline = now() WHERE id = ANY($1)', [orders.map(({ orderId }) => orderId)]);
