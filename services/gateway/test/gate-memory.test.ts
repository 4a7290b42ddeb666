// The memory an order takes of Redis: an operator can compute how many fit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIEW_KEYS } from '@flashsale/contracts/keys';
import { startPrivateRedis } from '../../../infra/testbed/servers.ts';
import { UNDECIDED } from '../src/domain/order-view.ts';
import { ANY_TIME, anOrder, aSale, aSnapshot, gatesOn } from './gates.ts';

const ORDERS = 20_000;

test('an order takes less than 1.5 kB of Redis while it is pending, and less than 0.5 kB once it is sold', async (t) => {
  const server = await startPrivateRedis();
  const gates = await gatesOn(server.url, t);
  t.after(() => server.stop());
  const used = async () => Number(/used_memory:(\d+)/.exec(await gates.observer.info('memory'))?.[1]);

  const sale = aSale(ORDERS);
  const orders = Array.from({ length: ORDERS }, (_, i) => anOrder(sale, `buyer-${String(i).padStart(36, '0')}`));
  await gates.replace(aSnapshot(sale));
  const empty = await used();
  const perOrder = async () => Math.round(((await used()) - empty) / ORDERS);
  await Promise.all(orders.map((order) => gates.gate.admit(order, ANY_TIME)));
  await Promise.all(orders.map((order) => gates.gate.markSent(order)));
  const views = orders.map((order) => ({ ...UNDECIDED, ...order, status: 'queued' as const }));
  await Promise.all(views.map((view) => gates.views.show(view)));
  const pending = await perOrder();

  await Promise.all(orders.map(({ orderId }) => gates.gate.applyConfirmed(sale.id, orderId, sale.epoch)));
  // A final order's view is gone after ten minutes.
  await gates.observer.unlink(...orders.map(({ orderId }) => `${VIEW_KEYS}${orderId}`));
  const sold = await perOrder();
  t.diagnostic(`${pending} bytes an order while it is pending, ${sold} once it is sold and its view is gone`);
  assert.ok(pending > 0 && pending < 1_500, `${pending}`);
  assert.ok(sold > 0 && sold < 500, `${sold}`);
});
