// The calls: a read returns what the rows say, giving up leaves a tombstone, and a bad request is refused by field.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { call, status, statusOf, trailerOf } from '@flashsale/rpc/client';
import { Metadata } from '@grpc/grpc-js';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openEnvironment } from './environment.ts';
import { asCommand } from './worker.ts';

const { atRest, broker, openSale, rowOf, rowsOf, startWorker, unitsOf } = await openEnvironment();
const worker = await startWorker();

test('orders are returned in the sequence of the request, twice if given twice, and unknown ones as not found', async () => {
  const sale = await openSale(1);
  const [sold, refused, working] = [anOrder(sale), anOrder(sale), anOrder(sale)];
  await worker.place(sold);
  await worker.place(refused);
  const held = worker.inventory.hold('reserve', 'there');
  await broker.publish(working);
  await held.reached();
  const unknown = randomUUID();
  const requested = [refused.orderId, unknown, sold.orderId, working.orderId, refused.orderId];
  const responses = await worker.get(...requested);
  assert.deepEqual(
    responses.map(({ orderId }) => orderId),
    requested,
  );
  assert.deepEqual(
    responses.map(({ status, final }) => [status, final]),
    [
      ['rejected', true],
      ['not found', false],
      ['confirmed', true],
      ['placed', false],
      ['rejected', true],
    ],
  );
  held.letGo();
  await atRest(sale, 3);
});

test('an order given up before it arrived is cancelled for ever: a late message and a late call find that', async () => {
  const sale = await openSale(1);
  const order = anOrder(sale);
  const { status, reason, final } = await worker.giveUp(order);
  assert.deepEqual([status, reason, final], ['cancelled', 'given_up', true]);
  assert.equal((await worker.giveUp(order)).version, 2);
  assert.equal((await worker.place(order)).status, 'cancelled');
  const next = anOrder(sale, { buyerId: order.buyerId });
  await broker.publish(order, next);
  assert.deepEqual(await atRest(sale, 2), { [order.orderId]: 'given_up', [next.orderId]: 'confirmed' });
  // The tombstone of inventory: a Reserve that comes late is refused.
  assert.equal((await unitsOf(sale)).get(order.orderId), 'released');
  assert.equal(broker.eventsOf(order.orderId).length, 1);
});

test('giving up an order that has arrived changes nothing, decided or not', async () => {
  const sale = await openSale(2);
  const [decided, working] = [anOrder(sale), anOrder(sale)];
  await worker.place(decided);
  const held = worker.inventory.hold('confirm', 'there');
  await broker.publish(working);
  await held.reached();
  const before = await rowsOf(sale);
  assert.equal((await worker.giveUp(decided)).status, 'confirmed');
  assert.equal((await worker.giveUp(working)).status, 'reserved');
  assert.deepEqual(await rowsOf(sale), before);
  held.letGo();
  assert.deepEqual(Object.values(await atRest(sale, 2)), ['confirmed', 'confirmed']);
});

test('a giving up and a placing at once agree on one end', async () => {
  const sale = await openSale(20);
  const orders = times(20, () => anOrder(sale));
  const responses = await Promise.all(
    orders.map(async (order, index) => {
      const calls = [worker.giveUp(order), worker.place(order)];
      if (index % 2) calls.reverse();
      await Promise.all(calls);
      return (await worker.get(order.orderId))[0]?.status;
    }),
  );
  const ends = await atRest(sale, 20);
  const expected = responses.map((status) => (status === 'cancelled' ? 'given_up' : 'confirmed'));
  assert.deepEqual(Object.values(ends), expected);
});

test('beyond its limit of direct orders at once it refuses before anything is done, signs that, and still responds', async (t) => {
  const capped = await startWorker({ MAX_DIRECT_IN_FLIGHT: '2' }, t);
  const sale = await openSale(5);
  const held = capped.inventory.hold('reserve', 'there');
  const orders = [anOrder(sale), anOrder(sale)];
  const responses = orders.map((order) => capped.place(order));
  await until('both are at work', async () => (await rowsOf(sale)).length === 2);
  const third = anOrder(sale);
  const refused = (error: unknown) => statusOf(error) === status.RESOURCE_EXHAUSTED && trailerOf(error, 'shed') === '1';
  await assert.rejects(capped.place(third), refused);
  assert.equal(await rowOf(sale, third.orderId), undefined);
  assert.equal((await capped.get(third.orderId))[0]?.status, 'not found');
  held.letGo();
  for (const response of responses) assert.equal((await response).status, 'confirmed');
  assert.equal((await capped.place(third)).status, 'confirmed');
});

test('a caller without a deadline has its response, or none, when the deadline of its order has passed', async () => {
  const sale = await openSale(1);
  const order = anOrder(sale, { deadlineMs: Date.now() + 1_000 });
  const held = worker.inventory.hold('reserve', 'there');
  const response = new Promise((resolve) =>
    worker.client.placeOrder({ command: asCommand(order) }, new Metadata(), {}, (error, response) =>
      resolve(response ?? error),
    ),
  );
  await held.reached();
  await response;
  held.letGo();
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'timed_out' });
});

test('an id in capital letters is the same order', async () => {
  const sale = await openSale(1);
  const order = anOrder(sale);
  const shouted = { ...order, orderId: order.orderId.toUpperCase(), saleId: order.saleId.toUpperCase() };
  assert.equal((await worker.place(shouted)).status, 'confirmed');
  await broker.publish(shouted);
  assert.equal((await worker.get(shouted.orderId))[0]?.status, 'confirmed');
  assert.equal((await worker.giveUp(shouted)).status, 'confirmed');
  await atRest(sale, 1);
});

test('what cannot be read is refused by the name of its field, and nothing is written', async () => {
  const sale = await openSale(1);
  const good = anOrder(sale);
  const wrong: [field: string, fields: object][] = [
    ['order_id', { orderId: 'x' }],
    ['sale_id', { saleId: '' }],
    ['buyer_id', { buyerId: '' }],
    ['buyer_id', { buyerId: 'x'.repeat(256) }],
    ['buyer_id', { buyerId: 'a\0b' }],
    ['quantity', { quantity: 0 }],
    ['quantity', { quantity: -1 }],
    ['epoch', { epoch: 0 }],
    ['mode', { mode: 'by post' as never }],
  ];
  const named = (field: string) => (error: Error) =>
    statusOf(error) === status.INVALID_ARGUMENT && error.message.includes(`${field}: `);
  for (const [field, fields] of wrong) {
    await assert.rejects(worker.place({ ...good, ...fields }), named(`command.${field}`), field);
    await assert.rejects(worker.giveUp({ ...good, ...fields }), named(`command.${field}`), field);
  }
  const { client } = worker;
  await assert.rejects(
    call(client, client.placeOrder, { command: undefined }, { deadlineMs: 9_000 }),
    named('command'),
  );
  await assert.rejects(worker.get(good.orderId, 'x'), named('order_ids[1]'));
  await assert.rejects(worker.get(), named('order_ids'));
  assert.deepEqual(await rowsOf(sale), []);
});
