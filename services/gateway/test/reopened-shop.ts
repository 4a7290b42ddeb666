// A shop with two gateways whose gates are lost, taken over and rebuilt, and what a test does to them.
import { InventoryServiceClient, type Sale as WireSale } from '@flashsale/contracts/inventory';
import { type GateKey, keyOf } from '@flashsale/contracts/keys';
import type { OrderEvent } from '@flashsale/contracts/messages';
import { EVENT_KEY_PREFIX, ORDER_EVENTS, RESULTS_QUEUE } from '@flashsale/contracts/topology';
import { call, callStream, connectTo } from '@flashsale/rpc/client';
import { Registry } from '@prometheus-io/client';
import { aSale } from '../../../infra/testbed/samples.ts';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';

const LONG_MS = '60000';
const QUICK = { REBUILD_COURTESY_MS: '3000', AT_REST_MS: '1500' };
export const shop = await openShop({
  gateway: QUICK,
  orders: { RPC_DEADLINE_MS: LONG_MS, CHARGE_TIMEOUT_MS: LONG_MS },
});
const second = await shop.start.gateway();
const inventory = shop.closed(
  connectTo(InventoryServiceClient, shop.services.inventory.address, {
    retries: 'idempotent',
    registry: new Registry(),
  }),
);
export const channel = await shop.channel();
export const { wires, proxies, evidence, buy, services } = shop;
export const { redis } = evidence.stores;
export const gateways = [services.gateway.url, second.url];

/** In inventory only, as a gateway leaves it that dies before its gate is opened. */
export async function bareSale(mode: 'queued' | 'direct', stock: number): Promise<string> {
  const sale = aSale({ stock, mode, perBuyerLimit: 1 });
  await call(inventory, inventory.createSale, { sale }, { deadlineMs: 10_000 });
  return sale.id;
}
export const saleOf = async (saleId: string) =>
  (await call(inventory, inventory.getSale, { saleId }, { deadlineMs: 10_000 })).sale as WireSale;
export const update = (saleId: string, change: { addStock?: number; closed?: boolean }) =>
  call(inventory, inventory.updateSale, { saleId, addStock: 0, ...change }, { deadlineMs: 10_000 });

/** A buyer of that name is admitted at each gateway; one whose first response was lost gets 409 the next time. */
export async function untilBothSell(saleId: string, name: string): Promise<void> {
  for (const [i, url] of gateways.entries())
    await until('it sells', async () =>
      [201, 202, 409].includes((await buy(saleId, `${name} ${i}`, undefined, url)).httpStatus),
    );
}
export const untilEpoch = (saleId: string, epoch: number) =>
  until(`the gate of epoch ${epoch} is open`, async () => (await evidence.gate(saleId)).epoch === epoch);

const KEYS: GateKey[] = ['gate', 'buyers', 'orders', 'unsent', 'sent', 'waiting', 'keys'];
/** FLUSHDB for one sale. */
export const loseGate = (saleId: string) => redis.del(...KEYS.map((key) => keyOf(saleId, key)));
/** Acts as a gateway that dies before it replaces the gate; too soon after another epoch, inventory refuses. */
export async function takeEpoch(saleId: string, expectedEpoch: number) {
  const request = { saleId, expectedEpoch, gateEpoch: expectedEpoch };
  const take = async () => {
    for await (const _ of callStream(inventory, inventory.reopen, request, { deadlineMs: 10_000 }));
    return true;
  };
  await until('an epoch is taken', () => take().catch(() => false));
}

export const recordOf = async (saleId: string, orderId?: string) =>
  (await evidence.gate(saleId)).records.get(orderId ?? '');

/** As a gateway receives it that was away for long. */
export async function publish(event: Partial<OrderEvent>) {
  const rest = { quantity: 1, reason: null, amount: null, deadlineMs: 1, refund: 'none' };
  const text = JSON.stringify({ ...rest, decidedAtMs: 1, ...event });
  channel.publish(ORDER_EVENTS, `${EVENT_KEY_PREFIX}${event.status}`, Buffer.from(text), { persistent: true });
  await channel.waitForConfirms();
}
// The event of the refund says the same of the ticket, so it must be lost as well.
export const PUBLISHED = `SELECT refund = 'done' AND NOT EXISTS (SELECT FROM outbox) AS published
  FROM orders WHERE id = $1`;
export const untilEventsAreApplied = () =>
  until('no event waits', async () => {
    const { rows } = await evidence.stores.orders.query('SELECT count(*)::int AS unpublished FROM outbox');
    const { messages, messages_unacknowledged: held } = (await shop.broker.queue(RESULTS_QUEUE)) as never as Depth;
    return rows[0].unpublished === 0 && messages === 0 && held === 0;
  });
interface Depth {
  messages: number;
  messages_unacknowledged: number;
}
