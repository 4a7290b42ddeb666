// Many at once: ten copies of one message at two workers, and a batch in which each order meets a fate of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReserveRequest } from '@flashsale/contracts/inventory';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openEnvironment } from './environment.ts';

const { atRest, broker, decline, moneyOf, openSale, startWorker, unitsOf } = await openEnvironment();

test('the same message delivered ten times at once to two workers is one order', async (t) => {
  // Lanes of one message each, so that the copies really meet.
  const single = { BATCH: '1', LANES: '5' };
  const workers = [await startWorker(single, t), await startWorker(single, t)];
  const sale = await openSale(20);
  const order = anOrder(sale, { quantity: 2 });
  const held = workers.map((worker) => worker.inventory.hold('reserve', 'there'));
  await broker.publish(...times(10, () => order));
  await Promise.all(held.map((each) => each.reached()));
  await until('every copy is in the hands of a worker', async () => (await broker.inLine()) === 0);
  for (const each of held) each.letGo();

  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
  assert.deepEqual(Object.fromEntries(await unitsOf(sale)), { [order.orderId]: 'sold' });
  assert.equal((await moneyOf()).get(order.orderId), 'captured');
  assert.equal(broker.eventsOf(order.orderId).length, 1);

  // A copy decides nothing, so it counts for nothing.
  const pages = workers.map(async ({ ops }) => (await fetch(`http://127.0.0.1:${ops}/metrics`)).text());
  const counted = (await Promise.all(pages)).join('\n').match(/^orders_decided_total\{.*\} [1-9]\d*$/gm) ?? [];
  assert.equal(counted.length, 1, counted.join('\n'));
  assert.match(String(counted[0]), /^orders_decided_total\{mode="queued",status="confirmed",reason="".*\} 1$/);
});

test('in one batch each order has its own end, and no end fails a neighbour', async (t) => {
  const worker = await startWorker({ BATCH: '20', LANES: '1' }, t);
  const sale = await openSale(8);
  const other = await openSale(1);
  const [first, declined, twice, stale, last] = [
    anOrder(sale),
    anOrder(sale),
    anOrder(sale),
    anOrder(sale, { epoch: 9 }),
    anOrder(sale),
  ];
  const second = anOrder(sale, { buyerId: first.buyerId });
  const tooMany = anOrder(sale, { quantity: 8 });
  const elsewhere = anOrder(other, { buyerId: first.buyerId });
  const late = anOrder(sale, { deadlineMs: Date.now() - 1 });

  await decline(declined);
  // While the only lane works on another order these gather behind it.
  const before = anOrder(sale);
  const opened = worker.inventory.hold('reserve', 'there');
  await broker.publish(before);
  await opened.reached();
  await broker.publish(first, declined, twice, second, tooMany, stale, twice, elsewhere, late, last);
  await until('all are delivered', async () => (await broker.untaken()) === 0);
  const batches = worker.inventory.listen<ReserveRequest>('reserve');
  opened.letGo();

  assert.deepEqual(await atRest(sale, 9), {
    [before.orderId]: 'confirmed',
    [first.orderId]: 'confirmed',
    [declined.orderId]: 'declined',
    [twice.orderId]: 'confirmed',
    [second.orderId]: 'duplicate',
    [tooMany.orderId]: 'sold_out',
    [stale.orderId]: 'stale_epoch',
    [late.orderId]: 'timed_out',
    [last.orderId]: 'confirmed',
  });
  assert.deepEqual(await atRest(other, 1), { [elsewhere.orderId]: 'confirmed' });
  const reserved = [first, declined, twice, tooMany, stale, elsewhere, last].map(({ orderId }) => orderId);
  assert.deepEqual(
    batches.map(({ items }) => items.map((item) => item.orderId).sort()),
    [reserved.sort()],
  );
});
