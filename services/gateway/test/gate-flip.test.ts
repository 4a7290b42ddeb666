// The gate's scripts on a real Redis: a sale that changes, and a gate that replaces another.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createGate } from '../src/outbound/gate.ts';
import { anOrder, aSale, DUE_MS, openGates } from './gates.ts';

const gates = await openGates();
after(() => gates.close());
const { gate, eye, open, admitted, read, tickets, makeDue, now } = gates;

const taken = (buyerId: string, quantity: number) => ({
  orderId: anOrder(aSale(1), buyerId).orderId,
  buyerId,
  quantity,
});
const numbers = async (saleId: string) => {
  const { epoch, supply, tickets, rev } = await read(saleId);
  return { epoch, supply, tickets, rev };
};

test('a change adds what the stock grew by; late, repeated and reordered ones do no harm', async () => {
  const sale = await open(10);
  await admitted(sale, 'alice', 4);
  await gate.change({ ...sale, revision: 3, stock: 15 });
  await gate.change({ ...sale, revision: 2, stock: 12 });
  await gate.change({ ...sale, revision: 3, stock: 15 });
  await gate.change({ ...sale, revision: 1, stock: 10 });
  assert.deepEqual(await numbers(sale.id), { epoch: 1, supply: 15, tickets: 11, rev: 3 });
  await gate.change({ ...sale, revision: 10, stock: 16 });
  assert.deepEqual(await numbers(sale.id), { epoch: 1, supply: 16, tickets: 12, rev: 10 });
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
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), DUE_MS), { kind: 'closed' });
  await gate.change({ ...sale, revision: 4, opensAtMs: (await now()) + 60_000 });
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), DUE_MS), { kind: 'not-open' });
});

test('a change of a sale without a gate makes none', async () => {
  const sale = aSale(5);
  await gate.change({ ...sale, revision: 2 });
  assert.deepEqual(await eye.keys(`sale:{${sale.id}}:*`), []);
});

test('a flip restores each held and each sold unit as a record that is asked about at once', async () => {
  const [held, sold] = [taken('alice', 2), taken('bob', 1)];
  const sale = await open(10, { epoch: 3, revision: 4 }, [held, sold]);
  const { records, buyers, due, ...gateNow } = await read(sale.id);
  assert.deepEqual([gateNow.tickets, gateNow.supply, gateNow.rev, gateNow.epoch], [7, 10, 4, 3]);
  assert.deepEqual(
    buyers,
    new Map([
      ['alice', held.orderId],
      ['bob', sold.orderId],
    ]),
  );
  for (const { orderId } of [held, sold]) {
    assert.equal(records.get(orderId)?.state, 'sent');
    assert.ok((due.get(orderId) as number) <= (await now()));
  }
  const claimed = await gate.claim(sale.id);
  assert.deepEqual(claimed.records.map(({ buyerId, command }) => [buyerId, command]).sort(), [
    ['alice', undefined],
    ['bob', undefined],
  ]);
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), DUE_MS), { kind: 'already-bought', orderId: held.orderId });
});

test('a flip replaces the whole gate: what the old one knew and inventory does not is gone', async () => {
  const sale = await open(5);
  await admitted(sale, 'alice', 2);
  await gate.flip({ sale: { ...sale, epoch: 2 }, available: 5, reservations: [] });
  const { records, buyers, due } = await read(sale.id);
  assert.deepEqual([await tickets(sale.id), records.size, buyers.size, due.size], [5, 0, 0, 0]);
  assert.deepEqual(await gate.admit(anOrder(sale, 'bob'), DUE_MS), { kind: 'stale' });
  await admitted({ ...sale, epoch: 2 }, 'alice');
});

test('a flip never replaces a gate of the same or a later epoch', async () => {
  const sale = await open(5, { epoch: 3 });
  await admitted(sale, 'alice', 2);
  for (const epoch of [3, 2])
    await gate.flip({ sale: { ...sale, epoch }, available: 4, reservations: [taken('bob', 1)] });
  assert.deepEqual(await numbers(sale.id), { epoch: 3, supply: 5, tickets: 3, rev: 1 });
  assert.equal((await read(sale.id)).buyers.has('bob'), false);
  assert.deepEqual(await eye.keys(`sale:{${sale.id}}:*staged*`), []);
});

test('a flip whose records were staged only in part does nothing', async () => {
  const sale = { ...aSale(10), epoch: 2 };
  const reservations = [taken('alice', 1), taken('bob', 1)];
  const torn = await gates.connect();
  const script = torn.redis.script;
  torn.redis.script = async (...args) => {
    await eye.hdel(`sale:{${sale.id}}:orders:staged:2`, reservations[0]?.orderId as string);
    return script(...args);
  };
  await createGate(torn.redis, DUE_MS).flip({ sale, available: 8, reservations });
  assert.equal(await eye.exists(`sale:{${sale.id}}:gate`), 0);
});

test('two thousand five hundred records are staged in pieces and flipped as one', async () => {
  const reservations = Array.from({ length: 2_500 }, (_, i) => taken(`buyer-${i}`, 1));
  const sale = await open(3_000, {}, reservations);
  assert.deepEqual([(await read(sale.id)).records.size, await tickets(sale.id)], [2_500, 500]);
  const { remaining } = gate;
  assert.deepEqual(await remaining([sale.id, aSale(1).id]), [500, null]);
});

test('what one gate says of itself: epoch, revision, tickets, and whether it is of this Redis', async () => {
  const sale = await open(4, { epoch: 5, revision: 6 });
  const none = aSale(1).id;
  assert.deepEqual(await gate.read([sale.id, none]), [{ epoch: 5, revision: 6, tickets: 4, current: true }, undefined]);
  assert.equal((await gates.elsewhere.read([sale.id]))[0]?.current, false);
  const order = await admitted(sale, 'alice', 3);
  await makeDue(order);
  assert.equal((await gate.read([sale.id]))[0]?.tickets, 1);
});
