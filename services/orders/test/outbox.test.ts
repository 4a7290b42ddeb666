// The outbox: a decision and its event are one, and the event reaches the broker at least once, whatever happens.
import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { until } from '../../../infra/testbed/until.ts';
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

test('a relay dies between publishing and forgetting: the event comes twice, the same both times', async (t) => {
  const [sale, doomed] = [await town.openSale(1), await workerFor(t)];
  const order = anOrder(sale);
  doomed.wires.amqp.loseAnswers(true);
  await doomed.place(order);
  await until('the event has come', () => town.broker.eventsOf(order.orderId).length === 1);
  assert.equal((await outbox()).length, 1);
  doomed.die();
  await workerFor(t);
  await atRest(town, sale, 1);
  const [first, second, ...more] = town.broker.eventsOf(order.orderId);
  assert.deepEqual([second, more], [first, []]);
});

test('two relays at once deliver each event once', async (t) => {
  const workers = [await workerFor(t), await workerFor(t)];
  const sale = await town.openSale(40);
  const orders = Array.from({ length: 40 }, () => anOrder(sale));
  await Promise.all(orders.map((order, index) => workers[index % 2]?.place(order)));
  await atRest(town, sale, 40);
  for (const { orderId } of orders) assert.equal(town.broker.eventsOf(orderId).length, 1);
});
