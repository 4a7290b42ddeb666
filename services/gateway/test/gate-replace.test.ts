// The gate's scripts on a real Redis: a gate that replaces another, the lease for it, and the room that it needs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GateKey, keyOf } from '@flashsale/contracts/keys';
import { choiceOf } from '@flashsale/contracts/messages';
import { until } from '../../../infra/until.ts';
import type { Snapshot } from '../src/domain/ports.ts';
import type { Sale } from '../src/domain/sale.ts';
import { ANY_TIME, anOrder, aSale, aSnapshot, MOST, openGates, taken } from './gates.ts';

const gates = await openGates();
const { admitted, gate, keysOf, makeDue, makeOld, now, numbers, observer, open, read, replace, tickets } = gates;

const leaseOf = (sale: Sale) => keyOf(sale.id, 'lease');
const never = new AbortController().signal;

/** Does something when its first page was staged, before the last one is. */
function meanwhile(snapshot: Snapshot, act: () => Promise<unknown>): Snapshot {
  async function* pages() {
    let first = true;
    for await (const page of snapshot.pages) {
      yield page;
      if (first) await act();
      first = false;
    }
  }
  return { ...snapshot, pages: pages() };
}

test('a new gate has each held and each sold unit as a record that is checked at once', async () => {
  const [held, sold] = [taken('alice', 2), taken('bob', 1)];
  const sale = await open(10, { epoch: 3, revision: 4 }, [held, sold]);
  const { records, buyers, dueSent, dueUnsent, waiting, ...gateNow } = await read(sale.id);
  assert.deepEqual([gateNow.tickets, gateNow.stock, gateNow.rev, gateNow.epoch], [7, 10, 4, 3]);
  assert.deepEqual(Object.fromEntries(buyers), { alice: held.orderId, bob: sold.orderId });
  assert.deepEqual([dueUnsent.size, waiting.length], [0, 0], 'nothing restored waits in the queue');
  for (const { orderId } of [held, sold]) {
    assert.equal(records.get(orderId)?.state, 'sent');
    assert.ok((dueSent.get(orderId) as number) <= (await now()));
  }
  const { records: claimed } = await gate.claim(sale.id, MOST);
  assert.deepEqual(claimed.map(({ buyerId, command }) => [buyerId, command]).sort(), [
    ['alice', undefined],
    ['bob', undefined],
  ]);
  const again = await gate.admit(anOrder(sale, 'alice'), ANY_TIME);
  assert.deepEqual(again, { kind: 'already-bought', orderId: held.orderId });
});

test('a new gate takes the place of the whole old one, but for the idempotency keys', async () => {
  const sale = await open(5);
  const order = anOrder(sale, 'alice', 2);
  await gate.admit(order, { ...ANY_TIME, idempotencyKey: 'k' });
  await observer.hset(keyOf(sale.id, 'damaged'), anOrder(sale, 'bob').orderId, 'nonsense');
  assert.equal(await replace(aSnapshot({ ...sale, epoch: 2 })), true);
  const { records, damaged, buyers, due, waiting } = await read(sale.id);
  assert.deepEqual([await tickets(sale.id), records.size, damaged.size, buyers.size], [5, 0, 0, 0]);
  assert.deepEqual([due.size, waiting.length], [0, 0]);
  assert.deepEqual(await gate.recall(order, 'k'), { orderId: order.orderId, ...choiceOf(order) });
  assert.equal((await gate.admit(anOrder(sale, 'bob'), ANY_TIME)).kind, 'unavailable');
  await admitted({ ...sale, epoch: 2 }, 'alice');
});

test('a gate never replaces one of the same or a later epoch, and cleans up behind itself', async () => {
  const sale = await open(5, { epoch: 3 });
  await admitted(sale, 'alice', 2);
  for (const epoch of [3, 2]) assert.equal(await replace(aSnapshot({ ...sale, epoch }, [taken('bob')])), false);
  assert.deepEqual(await numbers(sale.id), { epoch: 3, stock: 5, tickets: 3, rev: 1 });
  assert.equal((await read(sale.id)).buyers.has('bob'), false);
  assert.deepEqual(
    (await keysOf(sale.id)).filter((key) => key.includes('staged')),
    [],
  );
});

test('epochs are compared as numbers', async () => {
  const sale = await open(5, { epoch: 9 });
  assert.equal(await replace(aSnapshot({ ...sale, epoch: 10 })), true);
  assert.equal(await replace(aSnapshot({ ...sale, epoch: 9 })), false);
});

test('a gate whose records are not all there replaces nothing', async () => {
  const sale = await open(5);
  const next = { ...sale, epoch: 2 };
  const some = [taken('alice'), taken('bob')];
  const key = (name: GateKey) => keyOf(sale.id, name, 2);
  const lost = String(some[0]?.orderId);
  const loseRecord = () => observer.hdel(key('staged_orders'), lost);
  const loseEntry = () => observer.zrem(key('staged_sent'), lost);
  for (const lose of [loseRecord, loseEntry])
    await assert.rejects(replace(meanwhile(aSnapshot(next, some), lose)), /lost records/);
  const emptied = meanwhile(aSnapshot(next, some), () => observer.del(key('staged')));
  await assert.rejects(replace(emptied), /lost records/);
  assert.deepEqual(await numbers(sale.id), { epoch: 1, stock: 5, tickets: 5, rev: 1 });
});

test('a gate that was staged in another Redis, or before its last start, replaces nothing', async () => {
  const sale = await open(5);
  const other = () => observer.set(keyOf(sale.id, 'staged', 2), 'f'.repeat(40), 'KEEPTTL');
  await assert.rejects(replace(meanwhile(aSnapshot({ ...sale, epoch: 2 }, [taken('alice')]), other)), /lost records/);
  assert.equal((await read(sale.id)).epoch, 1);
});

test('a Redis that is emptied while a gate is staged gets no part of it', async () => {
  const sale = aSale(3_000);
  const many = Array.from({ length: 1_500 }, (_, i) => taken(`buyer-${i}`));
  const emptied = () => keysOf(sale.id).then((keys) => observer.del(...keys));
  await assert.rejects(replace(meanwhile(aSnapshot(sale, many), emptied)), /lost a gate while it was staged/);
  assert.deepEqual(await keysOf(sale.id), []);
});

test('what was staged expires by itself, from the first records on, and the gate made of it does not', async () => {
  const sale = aSale(3_000);
  const many = Array.from({ length: 2_500 }, (_, i) => taken(`buyer-${i}`));
  const expiries = async () => Promise.all((await keysOf(sale.id)).map((key) => observer.pttl(key)));
  let staged: number[] = [];
  const watched = meanwhile(aSnapshot(sale, many), async () => {
    staged = await expiries();
  });
  assert.equal(await replace(watched), true);
  assert.equal(staged.length, 4);
  assert.ok(
    staged.every((ms) => ms > 0 && ms <= 600_000),
    `staged: ${staged}`,
  );
  assert.deepEqual(await expiries(), [-1, -1, -1, -1]);
  assert.deepEqual([(await read(sale.id)).records.size, await tickets(sale.id)], [2_500, 500]);
});

test('a page of any size is staged in pieces', async () => {
  const sale = aSale(10_000);
  async function* onePage() {
    yield Array.from({ length: 9_000 }, (_, i) => taken(`buyer-${i}`));
  }
  assert.equal(await replace({ sale, available: 1_000, pages: onePage() }), true);
  assert.equal((await read(sale.id)).records.size, 9_000);
});

test('a buyer who comes twice in the snapshot does not keep the gate shut', async () => {
  const sale = aSale(5);
  assert.equal(await replace(aSnapshot(sale, [taken('alice', 2), taken('alice')])), true);
  assert.deepEqual(
    [await observer.hlen(keyOf(sale.id, 'orders')), await observer.hlen(keyOf(sale.id, 'buyers'))],
    [2, 1],
  );
  await admitted({ ...sale, id: (await open(1)).id }, 'alice');
  assert.equal((await gate.read([sale.id]))[0]?.current, true);
});

test('one gateway at a time has the lease, and the next gets it when it is given back', async () => {
  const sale = aSale(1);
  const two = await gates.connect();
  const lease = await gate.lease(sale.id);
  assert.deepEqual([await two.gate.lease(sale.id), await gate.lease(sale.id)], [undefined, undefined]);
  await lease?.release();
  const second = await two.gate.lease(sale.id);
  assert.ok(second);
  await lease?.release();
  assert.equal(await observer.exists(leaseOf(sale)), 1, 'a lease is given back by its holder only');
  await second.release();
  assert.equal(await observer.exists(leaseOf(sale)), 0);
});

test('a lease is for 10 seconds, and its own timer renews it until it is given back', async () => {
  const sale = aSale(1);
  const quick = await gates.connect(undefined, { lastsMs: 10_000, renewEveryMs: 20 });
  const lease = await quick.gate.lease(sale.id);
  const left = () => observer.pttl(leaseOf(sale));
  await observer.pexpire(leaseOf(sale), 5_000);
  await until('it is renewed', async () => (await left()) > 5_000);
  assert.ok((await left()) <= 10_000);
  assert.equal(lease?.lost.aborted, false);
  await lease?.release();
  assert.equal(await observer.exists(leaseOf(sale)), 0);
});

test('a lease that another gateway has is lost, and so is one that has gone; neither is taken back', async () => {
  for (const takeAway of [(key: string) => observer.set(key, 'another'), (key: string) => observer.del(key)]) {
    const sale = aSale(1);
    const quick = await gates.connect(undefined, { lastsMs: 60_000, renewEveryMs: 20 });
    const lease = await quick.gate.lease(sale.id);
    await takeAway(leaseOf(sale));
    await until('it is lost', () => lease?.lost.aborted);
    await assert.rejects(quick.gate.replace(aSnapshot(sale, [taken('alice')]), lease?.lost as AbortSignal), /was lost/);
    await lease?.release();
    assert.notEqual(await observer.get(leaseOf(sale)), '');
    assert.equal(await observer.exists(keyOf(sale.id, 'gate')), 0);
  }
});

test('a lease that is lost while the pages are staged leaves the gate as it is', async () => {
  const sale = await open(5);
  const lost = new AbortController();
  const snapshot = meanwhile(aSnapshot({ ...sale, epoch: 2 }, [taken('alice')]), async () =>
    lost.abort(new Error('lost')),
  );
  await assert.rejects(gate.replace(snapshot, lost.signal), /lost/);
  assert.deepEqual(await numbers(sale.id), { epoch: 1, stock: 5, tickets: 5, rev: 1 });
});

test('a new gate ends the lease that it was built under, and no other', async () => {
  const [mine, theirs] = [aSale(1), aSale(1)];
  const lease = await gate.lease(mine.id);
  await observer.set(leaseOf(theirs), 'another');
  assert.equal(await gate.replace(aSnapshot(mine), lease?.lost as AbortSignal), true);
  assert.equal(await gate.replace(aSnapshot(theirs), never), true);
  assert.deepEqual([await observer.exists(leaseOf(mine)), await observer.get(leaseOf(theirs))], [0, 'another']);
  await lease?.release();
});

test('with a Redis that has room, a gate that is not current keeps its keys', async () => {
  const sale = await open(2);
  await makeDue(await admitted(sale, 'alice'));
  await makeOld(sale.id);
  assert.equal(await gate.makeRoom(sale.id, 1, 1_000), true);
  assert.equal((await read(sale.id)).records.size, 1);
});
