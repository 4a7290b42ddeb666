// The gate's scripts on a real Redis: a sale that is changed, and one that is over.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '@flashsale/contracts/keys';
import { ANY_TIME, anOrder, aSale, aSnapshot, openGates, taken } from './gates.ts';

const gates = await openGates();
const { admitted, gate, keysOf, makeOld, now, numbers, observer, open, replace, tickets } = gates;

test('a sale that is over and has nothing pending expires with all its keys in 7 days', async () => {
  const sale = await open(2);
  assert.equal(await gate.expire(sale.id), false, 'it goes on, with nothing pending');
  const order = anOrder(sale, 'alice');
  await gate.admit(order, { ...ANY_TIME, idempotencyKey: 'k' });
  const sold = await admitted(sale, 'bob');
  await gate.applyConfirmed(sale.id, sold.orderId, 1);
  await gate.change({ ...sale, closed: true, revision: 2 });
  assert.equal(await gate.expire(sale.id), false, 'an order is pending');
  await gate.applyEnded(order);
  assert.equal(await gate.expire(sale.id), true);
  const days = (ms: number) => ms / 86_400_000;
  const expiries = async () => Promise.all((await keysOf(sale.id)).map((key) => observer.pttl(key)));
  const left = await expiries();
  assert.equal(left.length, 4, 'gate, buyers, orders, keys');
  assert.ok(
    left.every((ms) => days(ms) > 6.9 && days(ms) <= 7),
    `${left}`,
  );

  await observer.pexpire(keyOf(sale.id, 'gate'), 1_000_000);
  assert.equal(await gate.expire(sale.id), true);
  assert.ok((await observer.pttl(keyOf(sale.id, 'gate'))) <= 1_000_000, 'the days are counted once');

  await gate.change({ ...sale, stock: 3, closed: true, revision: 3 });
  assert.ok(
    (await expiries()).every((ms) => ms > 0),
    'it is still over',
  );
  await gate.change({ ...sale, closed: false, revision: 4 });
  assert.deepEqual(await expiries(), [-1, -1, -1, -1]);
});

test('a sale whose window is over expires too, also when its gate is of another Redis or has gone', async () => {
  const past = { closesAtMs: (await now()) - 1 };
  const [held, old, gone] = [await open(2, past), await open(2, past, [taken('alice')]), aSale(1)];
  const waiting = await open(2, past, [taken('alice')]);
  await makeOld(old.id);
  await observer.hset(keyOf(gone.id, 'keys'), 'alice\nk', '{}');
  const expired = await Promise.all([held, old, gone, waiting].map(({ id }) => gate.expire(id)));
  assert.deepEqual(expired, [true, true, true, false]);
  assert.ok((await observer.pttl(keyOf(gone.id, 'keys'))) > 0);
  assert.equal(await replace(aSnapshot({ ...gone })), true);
  assert.equal(await observer.pttl(keyOf(gone.id, 'keys')), -1, 'a new gate keeps its keys');
});

test('a change adds what the stock grew by; late, repeated and reordered ones do no harm', async () => {
  const sale = await open(10);
  await admitted(sale, 'alice', 4);
  await gate.change({ ...sale, revision: 3, stock: 15 });
  await gate.change({ ...sale, revision: 2, stock: 12 });
  await gate.change({ ...sale, revision: 3, stock: 15 });
  await gate.change({ ...sale, revision: 1, stock: 10 });
  assert.deepEqual(await numbers(sale.id), { epoch: 1, stock: 15, tickets: 11, rev: 3 });
  await gate.change({ ...sale, revision: 10, stock: 16 });
  assert.deepEqual(await numbers(sale.id), { epoch: 1, stock: 16, tickets: 12, rev: 10 });
});

test('a change that the snapshot of a new gate holds already adds nothing', async () => {
  const sale = await open(1);
  const grown = { ...sale, revision: 2, stock: 3 };
  assert.equal(await replace(aSnapshot({ ...grown, epoch: 2 })), true);
  await gate.change(grown);
  assert.deepEqual(await numbers(sale.id), { epoch: 2, stock: 3, tickets: 3, rev: 2 });
});

test('ten gateways that bring the same change bring it once', async () => {
  const sale = await open(1);
  const two = await gates.connect();
  const change = (i: number) => (i % 2 ? gate : two.gate).change({ ...sale, revision: 2, stock: 6 });
  await Promise.all(Array.from({ length: 10 }, (_, i) => change(i)));
  assert.equal(await tickets(sale.id), 6);
});

test('a change closes and moves the window, and an older one does not open it again', async () => {
  const sale = await open(2);
  await gate.change({ ...sale, revision: 3, closed: true });
  await gate.change({ ...sale, revision: 2, closed: false });
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), ANY_TIME), { kind: 'closed' });
  await gate.change({ ...sale, revision: 4, opensAtMs: (await now()) + 60_000 });
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), ANY_TIME), { kind: 'not-open' });
});

test('a change of a sale without a gate makes none', async () => {
  const sale = aSale(5);
  await gate.change({ ...sale, revision: 2 });
  assert.deepEqual(await keysOf(sale.id), []);
});
