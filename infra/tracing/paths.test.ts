// One trace for each order: fifty buyers at once on each path, and each trace has the steps of its path and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertIsOne, buyAll, openTracedShop, traceIdOf, untilSteps } from './shop.ts';

const BUYERS = 50;
/** No bound on time is met, however slow the machine is. */
const shop = await openTracedShop('paths', {
  bank: { CHARGES_PER_SECOND: '0', LATENCY_P50_MS: '1', LATENCY_P99_MS: '2' },
  orders: { RPC_DEADLINE_MS: '30000', CHARGE_TIMEOUT_MS: '30000' },
  gateway: { DIRECT_DEADLINE_MS: '30000', RPC_DEADLINE_MS: '30000', CONFIRM_TIMEOUT_MS: '30000' },
});

const BOTH = [
  'gateway click',
  'gateway gate.admit',
  'orders ledger.place',
  'orders inventory.reserve',
  'inventory reservations.reserve',
  'orders ledger.reserve',
  'orders payment.charge',
  'payment ledger.request',
  'payment bank.charge',
  'bank charge',
  'payment ledger.record',
  'orders inventory.confirm',
  'inventory reservations.confirm',
  'orders ledger.confirm',
  'orders publish order.confirmed',
  'gateway waiting for gateway: results',
  'gateway gateway: results',
  'gateway apply result',
  'gateway waiting for gateway: order updates',
  'gateway gateway: order updates',
];
const PATHS = {
  queued: [
    ...BOTH,
    'gateway publish orders.placed',
    'gateway gate.markSent',
    'orders waiting for orders: placed orders',
    'orders orders: placed orders',
    'orders publish payments.due',
    'orders waiting for orders: payments due',
    'orders orders: payments due',
  ],
  direct: [...BOTH, 'gateway orders.place', 'orders rpc placeOrder', 'inventory rpc reserve'],
};
const placed: string[] = [];

for (const mode of ['queued', 'direct'] as const)
  test(`${mode}: each of ${BUYERS} orders at once has a trace with exactly the steps of its path`, async () => {
    const orderIds = await buyAll(shop, mode, BUYERS);
    await untilSteps(shop, orderIds, PATHS[mode]);
    for (const orderId of orderIds) assertIsOne(shop, orderId);
    placed.push(...orderIds);
  });

test('background jobs and later orders add nothing to the trace of an order that is done', async () => {
  await buyAll(shop, 'queued', 1);
  await untilSteps(shop, placed.slice(0, BUYERS), PATHS.queued);
  await untilSteps(shop, placed.slice(BUYERS), PATHS.direct);
});

test('a batch is a trace of its own, linked to the orders in it', () => {
  const spans = shop.receiver.spans();
  const ofOrders = new Set(placed.map(traceIdOf));
  const batches = spans.filter(({ name, traceId }) => name === 'orders: placed orders' && !ofOrders.has(traceId));
  const linked = batches.flatMap(({ links }) => links.map(({ traceId }) => traceId));
  for (const id of placed.slice(0, BUYERS)) assert.equal(linked.filter((one) => one === traceIdOf(id)).length, 1);
});
