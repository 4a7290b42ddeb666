// The outbox: a decision and its event are one, and the event reaches the broker at least once, whatever happens.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { until } from '../../../infra/until.ts';
import { anOrder, openTown } from './town.ts';
import { atRest, rowOf } from './truth.ts';
import { RESUMES, startWorker } from './worker.ts';

const town = await openTown();
after(() => town.close());

async function workerFor(t: TestContext, env: Record<string, string> = {}) {
  const worker = await startWorker(town, env);
  t.after(() => worker.stop());
  await worker.ready();
  return worker;
}

/** The database refuses something until it is mended. */
async function breakDatabase(trigger: string) {
  const { orders } = town.databases;
  await orders.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$`);
  await orders.query(`CREATE ${trigger} EXECUTE FUNCTION refuse()`);
  return () => orders.query('DROP FUNCTION refuse CASCADE');
}

const outbox = async () => (await town.databases.orders.query('SELECT * FROM outbox')).rows;

for (const [what, trigger] of [
  ['whose event cannot be written is not made', 'TRIGGER refuse BEFORE INSERT ON outbox FOR EACH ROW'],
  [
    'that cannot be committed leaves no event',
    `CONSTRAINT TRIGGER refuse AFTER UPDATE ON orders DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW WHEN (NEW.status = 'confirmed')`,
  ],
] as const) {
  test(`a decision ${what}; it is made later, once`, async (t) => {
    const [sale, worker] = [await town.openSale(2), await workerFor(t)];
    const orders = [anOrder(sale), anOrder(sale)] as const;
    const mend = await breakDatabase(trigger);
    for (const order of orders) await assert.rejects(worker.place(order), /INTERNAL/);
    for (const { orderId } of orders) assert.equal((await rowOf(town, sale, orderId))?.status, 'placed');
    assert.deepEqual(await outbox(), []);
    await mend();
    await workerFor(t, RESUMES);
    const ends = await atRest(town, sale, 2);
    assert.ok(Object.values(ends).every((end) => end === 'confirmed'));
    for (const { orderId } of orders) assert.equal(town.broker.eventsOf(orderId).length, 1);
  });
}

test('an event waits while the broker is away, and is delivered when it is back', async (t) => {
  const [sale, worker] = [await town.openSale(1), await workerFor(t)];
  const order = anOrder(sale);
  worker.wires.amqp.block(true);
  assert.equal((await worker.place(order)).status, 'confirmed');
  assert.equal((await outbox()).length, 1);
  assert.deepEqual(town.broker.eventsOf(order.orderId), []);
  worker.wires.amqp.block(false);
  await atRest(town, sale, 1);
  assert.deepEqual(await outbox(), []);
  assert.equal(town.broker.eventsOf(order.orderId).length, 1);
});

test('a relay dies between publishing and forgetting: the event comes again, the same as before', async (t) => {
  const [sale, doomed] = [await town.openSale(1), await workerFor(t)];
  const order = anOrder(sale);
  doomed.wires.amqp.loseAnswers(true);
  await doomed.place(order);
  await until('the event has come', () => town.broker.eventsOf(order.orderId).length > 0);
  assert.equal((await outbox()).length, 1);
  doomed.die();
  const before = town.broker.eventsOf(order.orderId).length;
  await workerFor(t);
  await atRest(town, sale, 1);
  const [first, ...again] = town.broker.eventsOf(order.orderId);
  assert.ok(again.length >= before);
  for (const event of again) assert.deepEqual(event, first);
});

test('an event whose confirm is lost is sent again, and not forgotten before', async (t) => {
  const [sale, worker] = [await town.openSale(1), await workerFor(t)];
  const order = anOrder(sale);
  worker.wires.amqp.loseAnswers(true);
  await worker.place(order);
  await until('the event has come', () => town.broker.eventsOf(order.orderId).length > 0);
  const before = town.broker.eventsOf(order.orderId).length;
  await until('an answer is lost', worker.wires.amqp.hasLost);
  worker.wires.amqp.loseAnswers(false);
  await until('it has come again', () => town.broker.eventsOf(order.orderId).length > before);
  await atRest(town, sale, 1);
});
