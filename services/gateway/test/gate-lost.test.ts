// The gate on a Redis that is full, read-only, goes away, loses replies, or comes back as an older copy of itself.
import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { keyOf } from '@flashsale/contracts/keys';
import { startPrivateRedis } from '../../../infra/testbed/servers.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { UNDECIDED } from '../src/domain/order-view.ts';
import { ANY_TIME, anOrder, aSale, aSnapshot, gatesOn, MOST, taken } from './gates.ts';

const server = await startPrivateRedis();
const wire = await layWire(server.url);
const gates = await gatesOn(server.url);
const { gate, redis, views } = await gates.connect(wire.url);
after(async () => {
  await wire.close();
  await server.stop();
});
afterEach(() => server.fill(false));
const { open, admitted, read, tickets, stateOf, makeDue, observer } = gates;
const never = new AbortController().signal;
const connected = () =>
  until('connected again', async () => redis.client.status === 'ready' && (await redis.client.ping()));

async function replaceByCopy() {
  await server.restartFromCopy();
  wire.holdResponses(false);
  await until('both gateways are connected', () => Promise.all([redis.client.ping(), gates.redis.client.ping()]));
}

test('an admit that Redis did not get is unavailable, and one whose reply is lost is unknown: it may have acted', async () => {
  const sale = await open(2);
  const order = anOrder(sale, 'alice');
  wire.loseResponses(true);
  const outcome = gate.admit(order, ANY_TIME);
  await until('the order is in the gate', () => stateOf(order));
  await until('a reply is lost', wire.hasLost);
  wire.loseResponses(false);
  wire.block(true);
  assert.deepEqual(await outcome, { kind: 'unknown' });
  assert.deepEqual(await gate.admit(anOrder(sale, 'bob'), ANY_TIME), { kind: 'unavailable' });
  assert.equal(await gate.orderOf(sale.id, 'alice'), 'unavailable');
  await assert.rejects(gate.refuse(order));
  await assert.rejects(gate.claim(sale.id, MOST));
  await assert.rejects(gate.absent(order, 1));
  assert.deepEqual([redis.clock.nowMs(), await redis.problems()], [undefined, ['no redis']]);
  wire.block(false);
  await connected();
  assert.deepEqual([await tickets(sale.id), await stateOf(order)], [1, 'unsent']);
});

test('an admit that was cut off is never sent again', async () => {
  const sale = await open(1);
  const order = anOrder(sale, 'alice');
  wire.loseResponses(true);
  const outcome = gate.admit(order, ANY_TIME);
  await until('the order is in the gate', () => stateOf(order));
  await gates.gate.applyEnded(order);
  await until('a reply is lost', wire.hasLost);
  wire.loseResponses(false);
  assert.deepEqual(await outcome, { kind: 'unknown' });
  await connected();
  assert.deepEqual([await tickets(sale.id), await stateOf(order)], [1, undefined]);
});

test('a gate is replaced once: when the reply is lost and Redis emptied, nothing puts the old snapshot there', async () => {
  const sale = aSale(2);
  async function* pages() {
    yield [taken('alice')];
    wire.loseResponses(true);
  }
  const replaced = gate.replace({ sale, available: 1, pages: pages() }, never);
  replaced.catch(() => undefined);
  await until('the gate is there', () => observer.exists(keyOf(sale.id, 'gate')));
  await until('a reply is lost', wire.hasLost);
  await observer.flushall();
  wire.loseResponses(false);
  await assert.rejects(replaced);
  await connected();
  assert.deepEqual(await gates.keysOf(sale.id), []);
});

test('a full Redis admits nothing, and applies every result, gives back, claims and shows it all the same', async () => {
  const sale = await open(7);
  const ended = await admitted(sale, 'ended');
  const confirmed = await admitted(sale, 'confirmed');
  const refused = await admitted(sale, 'refused');
  const sent = await admitted(sale, 'sent');
  const due = await admitted(sale, 'due');
  await makeDue(due);
  await server.fill(true);
  assert.deepEqual(await gate.admit(anOrder(sale, 'zed'), ANY_TIME), { kind: 'unavailable' });
  await gate.applyEnded(ended);
  await gate.applyConfirmed(sale.id, confirmed.orderId, 1);
  assert.equal(await gate.refuse(refused), true);
  await gate.markSent(sent);
  assert.equal((await gate.claim(sale.id, MOST)).records[0]?.orderId, due.orderId);
  await views.show({ ...UNDECIDED, ...ended, status: 'rejected', version: 2 });
  const { tickets, records } = await read(sale.id);
  assert.equal(tickets, 4);
  assert.deepEqual(
    [confirmed, sent, due].map(({ orderId }) => records.get(orderId)?.state),
    ['sold', 'sent', 'unsent'],
  );
  assert.equal((await views.find(ended.orderId))?.status, 'rejected');
  assert.deepEqual(await redis.problems(), [], 'it can still give back, so it is ready');
  await gate.shut(sale.id, 1);
  assert.equal((await gate.read([sale.id]))[0]?.current, false);
});

test('a full Redis sets damaged records aside', async () => {
  const sale = await open(1);
  const order = await admitted(sale, 'alice');
  await observer.hset(keyOf(sale.id, 'orders'), order.orderId, 'nonsense');
  await makeDue(order);
  await server.fill(true);
  assert.equal((await gate.claim(sale.id, MOST)).damaged, 1);
});

test('a full Redis lets a gate that is not current go, but for its epoch and keys, before it has no room', async () => {
  const [old, current] = [await open(3, { epoch: 4 }), await open(3)];
  await gate.admit(anOrder(old, 'alice'), { ...ANY_TIME, idempotencyKey: 'k' });
  await admitted(current, 'bob');
  await gates.makeOld(old.id);
  await server.fill(true);
  const lease = await gate.lease(old.id);
  assert.ok(lease, 'what it leads to may free memory');
  assert.equal(await gate.makeRoom(old.id, 4, 1), false);
  assert.equal(await gate.makeRoom(current.id, 1, 1), false);
  const left = (await gates.keysOf(old.id)).map((key) => key.split('}:')[1]).toSorted();
  assert.deepEqual(left, ['gate', 'keys', 'lease']);
  assert.equal((await gate.read([old.id]))[0]?.epoch, 4);
  assert.equal((await read(current.id)).records.size, 1);
  await assert.rejects(gate.replace(aSnapshot({ ...old, epoch: 5 }, [taken('alice')]), lease.lost), /OOM/);
  await server.fill(false);
  assert.equal(await gate.makeRoom(old.id, 4, 1), true);
  assert.equal(await gate.makeRoom(old.id, 4, 1_000_000), false, 'its records would not fit into 512 MB');
  assert.equal(await gate.replace(aSnapshot({ ...old, epoch: 5 }, [taken('alice')]), lease.lost), true);
  await lease.release();
});

test('a full Redis lets a current gate of another epoch go as well, and it admits no order then', async () => {
  const sale = await open(3, { epoch: 2 });
  await admitted(sale, 'alice');
  await server.fill(true);
  assert.equal(await gate.makeRoom(sale.id, 3, 1), false);
  assert.deepEqual(
    (await gates.keysOf(sale.id)).map((key) => key.split('}:')[1]),
    ['gate'],
  );
  await server.fill(false);
  assert.equal((await gate.read([sale.id]))[0]?.current, false);
  assert.deepEqual(await gate.admit(anOrder(sale, 'bob'), ANY_TIME), { kind: 'unavailable' });
});

test('an older copy of the gate admits, refuses and claims nothing, until it is replaced', async () => {
  const sale = await open(2);
  const [known, sent] = [await admitted(sale, 'alice'), await admitted(sale, 'bob')];
  await Promise.all([makeDue(known), makeDue(sent)]);
  await server.copy();
  await gate.applyConfirmed(sale.id, sent.orderId, 1);
  await replaceByCopy();

  const counts = { epoch: 1, revision: 1, stock: 2, tickets: 0, current: false, waiting: 2, pending: 2 };
  assert.deepEqual(await gate.read([sale.id]), [{ ...counts, waitingSinceMs: await gates.waitingSinceMs(known) }]);
  assert.deepEqual(await gate.admit(anOrder(sale, 'carol'), ANY_TIME), { kind: 'unavailable' });
  assert.equal(await gate.refuse(known), false);
  assert.equal(await gate.absent(anOrder(sale, 'carol'), 1), false);
  assert.deepEqual((await gate.claim(sale.id, MOST)).records, []);
  await gates.replace(aSnapshot({ ...sale, epoch: 2 }));
  await admitted({ ...sale, epoch: 2 }, 'carol');
});

test('an admit that still waits here when Redis is replaced does nothing in the copy', async () => {
  const sale = await open(2);
  const [written, waiting] = [anOrder(sale, 'alice'), anOrder(sale, 'bob')];
  await server.copy();
  wire.holdResponses(true);
  const outcomes = [gate.admit(written, ANY_TIME)];
  await until('the first is in the gate', () => stateOf(written));
  outcomes.push(gate.admit(waiting, ANY_TIME));
  await replaceByCopy();
  assert.equal((await outcomes[0])?.kind, 'unknown');
  assert.notEqual((await outcomes[1])?.kind, 'admitted');
  assert.deepEqual([await tickets(sale.id), (await read(sale.id)).records.size], [2, 0]);
});

test('the first command on a new connection is guarded like any other', async () => {
  const sale = await open(2);
  await server.copy();
  const first = new Promise((resolve) => {
    redis.client.once('ready', () => resolve(gate.admit(anOrder(sale, 'alice'), ANY_TIME)));
  });
  await replaceByCopy();
  assert.deepEqual(await first, { kind: 'unavailable' });
  assert.equal((await read(sale.id)).records.size, 0);
});

test('a lease is lost in time when Redis is silent', async () => {
  const short = await gates.connect(wire.url, { lastsMs: 400, renewEveryMs: 100 });
  const lease = await short.gate.lease(aSale(1).id);
  wire.block(true);
  await until('it is lost', () => lease?.lost.aborted);
  wire.block(false);
  await connected();
});
