// The outbox: a decision and its message are one, and the message reaches the broker at least once, whatever happens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anOrder, HOLD } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openEnvironment } from './environment.ts';

const { atRest, broker, openSale, rowOf, startWorker, stores } = await openEnvironment();

/** The database refuses something until it is mended. */
async function breakDatabase(trigger: string) {
  const { orders } = stores;
  await orders.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$`);
  await orders.query(`CREATE ${trigger} EXECUTE FUNCTION refuse()`);
  return () => orders.query('DROP FUNCTION refuse CASCADE');
}

const outbox = async () => (await stores.orders.query('SELECT * FROM outbox ORDER BY id')).rows;
const waitsInOutbox = (key: string) =>
  until(`${key} waits in the outbox`, async () => (await outbox()).some(({ routing_key }) => routing_key === key));

for (const [what, trigger] of [
  ['whose message cannot be written is not made', 'TRIGGER refuse BEFORE INSERT ON outbox FOR EACH ROW'],
  [
    'that cannot be committed leaves no message',
    `CONSTRAINT TRIGGER refuse AFTER UPDATE ON orders DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW WHEN (NEW.status = 'reserved')`,
  ],
] as const) {
  test(`a decision ${what}; it is made later, once`, async (t) => {
    const [sale, worker] = [await openSale(2), await startWorker({}, t)];
    const orders = [anOrder(sale), anOrder(sale)] as const;
    const mend = await breakDatabase(trigger);
    await broker.publish(...orders);
    await until('both wait for a second attempt', async () => (await broker.onRetrySteps()) === 2);
    for (const { orderId } of orders) assert.equal((await rowOf(sale, orderId))?.status, 'placed');
    assert.deepEqual(await outbox(), []);
    await mend();
    const ends = await atRest(sale, 2);
    assert.ok(Object.values(ends).every((end) => end === 'confirmed'));
    for (const { orderId } of orders) assert.equal(broker.eventsOf(orderId).length, 1);
    await worker.stop();
  });
}

test('a worker dies between reserving an order and publishing its payment: another publishes it, and it is confirmed', async (t) => {
  const [sale, doomed] = [await openSale(1), await startWorker({}, t)];
  const order = anOrder(sale);
  const reserving = doomed.inventory.hold('reserve', 'back');
  await broker.publish(order);
  await reserving.reached();
  doomed.wires.amqp.block(true);
  reserving.letGo();
  await waitsInOutbox('payments.due');
  assert.equal((await rowOf(sale, order.orderId))?.status, 'reserved');
  doomed.die();
  await startWorker({}, t);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
});

test('a worker dies after its buyer has paid: the payment is taken up, because its message was written with it', async (t) => {
  const [sale, doomed] = [await openSale(1, HOLD), await startWorker({}, t)];
  const order = anOrder(sale);
  await broker.publish(order);
  await until('it is reserved', async () => (await rowOf(sale, order.orderId))?.status === 'reserved');
  doomed.wires.amqp.block(true);
  assert.equal((await doomed.pay(order)).payRequested, true);
  await waitsInOutbox('payments.due');
  doomed.die();
  await startWorker({}, t);
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
});

test('an event waits while the broker is away, and is delivered when it is back', async (t) => {
  const [sale, worker] = [await openSale(1), await startWorker({}, t)];
  const order = anOrder(sale);
  worker.wires.amqp.block(true);
  assert.equal((await worker.place(order)).status, 'confirmed');
  assert.equal((await outbox()).length, 1);
  assert.deepEqual(broker.eventsOf(order.orderId), []);
  worker.wires.amqp.block(false);
  await atRest(sale, 1);
  assert.deepEqual(await outbox(), []);
  assert.equal(broker.eventsOf(order.orderId).length, 1);
});

test('a relay dies between publishing and deleting: the event comes again, the same as before', async (t) => {
  const [sale, doomed] = [await openSale(1), await startWorker({}, t)];
  const order = anOrder(sale);
  doomed.wires.amqp.loseResponses(true);
  await doomed.place(order);
  await until('the event has come', () => broker.eventsOf(order.orderId).length > 0);
  assert.equal((await outbox()).length, 1);
  doomed.die();
  const before = broker.eventsOf(order.orderId).length;
  await startWorker({}, t);
  await atRest(sale, 1);
  const [first, ...again] = broker.eventsOf(order.orderId);
  assert.ok(again.length >= before);
  for (const event of again) assert.deepEqual(event, first);
});

test('an event whose confirm is lost is published again, and not deleted before', async (t) => {
  const [sale, worker] = [await openSale(1), await startWorker({}, t)];
  const order = anOrder(sale);
  worker.wires.amqp.loseResponses(true);
  await worker.place(order);
  await until('the event has come', () => broker.eventsOf(order.orderId).length > 0);
  const before = broker.eventsOf(order.orderId).length;
  await until('a response is lost', worker.wires.amqp.hasLost);
  worker.wires.amqp.loseResponses(false);
  await until('it has come again', () => broker.eventsOf(order.orderId).length > before);
  await atRest(sale, 1);
});

test('messages for one exchange that the broker does not take hold back none for the other', async (t) => {
  const { orders } = stores;
  // More than a relay publishes at once.
  await orders.query(`INSERT INTO outbox (exchange, routing_key, order_id, payload)
    SELECT 'orders', 'no.such.queue', gen_random_uuid(), '{}' FROM generate_series(1, 600)`);
  const [sale, worker] = [await openSale(1), await startWorker({}, t)];
  const order = anOrder(sale);
  await worker.place(order);
  await until('its event has come', () => broker.eventsOf(order.orderId).length === 1);
  assert.equal((await outbox()).filter(({ exchange }) => exchange === 'orders').length, 600);
  await worker.stop();
  await orders.query(`DELETE FROM outbox WHERE routing_key = 'no.such.queue'`);
});
