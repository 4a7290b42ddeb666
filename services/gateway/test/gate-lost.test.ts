// The gate on a Redis that is full, goes away, loses answers, or comes back as an older copy of itself.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startPrivateRedis } from '../../../infra/testbed/servers.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { anOrder, DUE_MS, gatesOn } from './gates.ts';

const server = await startPrivateRedis();
const wire = await layWire(server.url);
const gates = await gatesOn(server.url);
const { gate, redis } = await gates.connect(wire.url);
after(async () => {
  await gates.close();
  await wire.close();
  await server.stop();
});
const { open, admitted, read, tickets, stateOf, makeDue } = gates;

/** Kills Redis, starts another process with the copy, and waits until both gateways know it. */
async function replaceByCopy() {
  const old = redis.process();
  const knows = (other: typeof redis) => other.process() !== undefined && other.process() !== old;
  await server.restartFromCopy();
  wire.holdAnswers(false);
  await until('both gateways know the new Redis', () => knows(redis) && knows(gates.redis));
}

test('an admit that Redis did not get is stale, and one whose answer is lost is unknown: it may have acted', async () => {
  const sale = await open(2);
  const order = anOrder(sale, 'alice');
  wire.loseAnswers(true);
  const answer = gate.admit(order, DUE_MS);
  await until('the order is in the gate', () => stateOf(order));
  await until('an answer is lost', wire.hasLost);
  wire.loseAnswers(false);
  wire.block(true);
  assert.deepEqual(await answer, { kind: 'unknown' });
  assert.deepEqual(await gate.admit(anOrder(sale, 'bob'), DUE_MS), { kind: 'stale' });
  await assert.rejects(gate.refuse(order), /not connected/);
  await assert.rejects(gate.claim(sale.id), /not connected/);
  wire.block(false);
  await until('connected again', () => redis.process());
  assert.deepEqual([await tickets(sale.id), await stateOf(order)], [1, 'unsent']);
});

test('an admit that was cut off is never sent again', async () => {
  const sale = await open(1);
  const order = anOrder(sale, 'alice');
  wire.loseAnswers(true);
  const answer = gate.admit(order, DUE_MS);
  await until('the order is in the gate', () => stateOf(order));
  await gates.gate.settleEnded(sale.id, order.orderId, 'alice');
  await until('an answer is lost', wire.hasLost);
  wire.loseAnswers(false);
  assert.deepEqual(await answer, { kind: 'unknown' });
  await until('connected again', () => redis.process());
  await redis.client.ping();
  assert.deepEqual([await tickets(sale.id), await stateOf(order)], [1, undefined]);
});

test('a full Redis refuses before it writes: admit is stale, what is there can still be settled', async () => {
  const sale = await open(2);
  const order = await admitted(sale, 'alice');
  await server.ask((admin) => admin.config('SET', 'maxmemory', '1'));
  assert.deepEqual(await gate.admit(anOrder(sale, 'bob'), DUE_MS), { kind: 'stale' });
  await server.ask((admin) => admin.config('SET', 'maxmemory', '0'));
  assert.deepEqual([await tickets(sale.id), (await read(sale.id)).records.size], [1, 1]);
  await gate.settleEnded(sale.id, order.orderId, 'alice');
  assert.equal(await tickets(sale.id), 2);
});

test('an older copy of the gate admits, refuses and claims nothing, until it is opened anew', async () => {
  const sale = await open(2);
  const [known, sent] = [await admitted(sale, 'alice'), await admitted(sale, 'bob')];
  await Promise.all([makeDue(known), makeDue(sent)]);
  await server.copy();
  await gate.settleConfirmed(sale.id, sent.orderId, 1);
  await replaceByCopy();

  assert.deepEqual(await gate.read([sale.id]), [{ epoch: 1, revision: 1, tickets: 0, current: false }]);
  assert.deepEqual(await gate.admit(anOrder(sale, 'carol'), DUE_MS), { kind: 'stale' });
  assert.equal(await gate.refuse(known), false);
  assert.deepEqual((await gate.claim(sale.id)).records, []);
  await gate.flip({ sale: { ...sale, epoch: 2 }, available: 2, reservations: [] });
  await admitted({ ...sale, epoch: 2 }, 'carol');
});

test('an admit that still waits here when Redis is replaced never reaches the copy under the old name', async () => {
  const sale = await open(2);
  const [written, waiting] = [anOrder(sale, 'alice'), anOrder(sale, 'bob')];
  await server.copy();
  wire.holdAnswers(true);
  const answers = [gate.admit(written, DUE_MS)];
  await until('the first is in the gate', () => stateOf(written));
  answers.push(gate.admit(waiting, DUE_MS));
  await replaceByCopy();
  await redis.client.ping();
  assert.equal((await answers[0])?.kind, 'unknown');
  assert.notEqual((await answers[1])?.kind, 'admitted');
  assert.deepEqual([await tickets(sale.id), (await read(sale.id)).records.size], [2, 0]);
});

test('between the reconnect and the moment when Redis has said who it is, nobody gets in', async () => {
  const sale = await open(2);
  await server.copy();
  const first = new Promise((resolve) => {
    redis.client.once('ready', () => resolve(gate.admit(anOrder(sale, 'alice'), DUE_MS)));
  });
  await replaceByCopy();
  assert.deepEqual(await first, { kind: 'stale' });
  assert.equal((await read(sale.id)).records.size, 0);
});
