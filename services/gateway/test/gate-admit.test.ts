// The gate's scripts on a real Redis: letting an order in, marking it as sent, taking it back unsent.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { anOrder, DUE_MS, openGates, SENT_DUE_MS } from './gates.ts';

const gates = await openGates();
after(() => gates.close());
const { gate, elsewhere, open, admitted, read, tickets, stateOf, dueOf, makeDue, now } = gates;

test('admit takes the tickets, remembers the buyer and stores the order with its command', async () => {
  const sale = await open(10);
  const order = anOrder(sale, 'alice', 3);
  const before = await now();
  assert.deepEqual(await gate.admit(order, DUE_MS), { kind: 'admitted' });
  const after = await now();

  const state = await read(sale.id);
  assert.equal(state.tickets, 7);
  assert.equal(state.buyers.get('alice'), order.orderId);
  const due = state.due.get(order.orderId) as number;
  assert.ok(before + DUE_MS <= due && due <= after + DUE_MS, `due ${due - before} ms later`);
  await makeDue(order);
  const { records } = await gate.claim(sale.id);
  assert.deepEqual(records, [
    { orderId: order.orderId, buyerId: 'alice', quantity: 3, state: 'unsent', command: order },
  ]);
});

test('the same order again is admitted and changes nothing, whatever became of it', async () => {
  const sale = await open(10);
  const order = await admitted(sale, 'alice', 2);
  const before = await read(sale.id);
  assert.deepEqual(await gate.admit(order, 2 * DUE_MS), { kind: 'admitted' });
  assert.deepEqual(await read(sale.id), before);
  await gate.settleConfirmed(sale.id, order.orderId, 1);
  assert.deepEqual(await gate.admit(order, DUE_MS), { kind: 'admitted' });
  assert.deepEqual([await tickets(sale.id), await stateOf(order)], [8, 'sold']);
});

test('a buyer with an order is told which, and nothing is taken', async () => {
  const sale = await open(2);
  const order = await admitted(sale, 'alice', 2);
  const answer = { kind: 'already-bought', orderId: order.orderId };
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), DUE_MS), answer);
  await gate.settleConfirmed(sale.id, order.orderId, 1);
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), DUE_MS), answer);
  assert.equal((await read(sale.id)).records.size, 1);
});

test('a quantity is taken whole or not at all, and the last ticket goes', async () => {
  const sale = await open(3);
  await admitted(sale, 'alice', 2);
  assert.deepEqual(await gate.admit(anOrder(sale, 'bob', 2), DUE_MS), { kind: 'sold-out' });
  await admitted(sale, 'bob', 1);
  assert.deepEqual(await gate.admit(anOrder(sale, 'carol', 1), DUE_MS), { kind: 'sold-out' });
  assert.deepEqual([await tickets(sale.id), (await read(sale.id)).buyers.has('carol')], [0, false]);
});

test('outside its window and when it is closed, nobody gets in, by the clock of Redis', async () => {
  const time = await now();
  const early = await open(1, { opensAtMs: time + 60_000 });
  const late = await open(1, { closesAtMs: time });
  const closed = await open(1, { closed: true });
  assert.deepEqual(await gate.admit(anOrder(early, 'alice'), DUE_MS), { kind: 'not-open' });
  assert.deepEqual(await gate.admit(anOrder(late, 'alice'), DUE_MS), { kind: 'closed' });
  assert.deepEqual(await gate.admit(anOrder(closed, 'alice'), DUE_MS), { kind: 'closed' });
  for (const { id } of [early, late, closed]) assert.equal((await read(id)).records.size, 0);
});

test('without a gate, with one of another epoch or of another Redis, admit is stale and writes nothing', async () => {
  const sale = await open(1);
  const nowhere = { ...anOrder(sale, 'alice'), saleId: anOrder(sale, 'x').orderId };
  assert.deepEqual(await gate.admit(nowhere, DUE_MS), { kind: 'stale' });
  for (const epoch of [0, 2]) {
    assert.deepEqual(await gate.admit({ ...anOrder(sale, 'alice'), epoch }, DUE_MS), { kind: 'stale' });
  }
  assert.deepEqual(await elsewhere.admit(anOrder(sale, 'alice'), DUE_MS), { kind: 'stale' });
  assert.deepEqual([(await read(sale.id)).records.size, await tickets(sale.id)], [0, 1]);
  assert.equal(await gates.eye.exists(`sale:{${nowhere.saleId}}:orders`), 0);
});

test('markSent makes an unsent record sent and puts its time off, once', async () => {
  const sale = await open(1);
  const order = await admitted(sale, 'alice');
  await gate.markSent(order);
  assert.equal(await stateOf(order), 'sent');
  const due = (await dueOf(order)) as number;
  assert.ok(due > (await now()) + DUE_MS && due <= (await now()) + SENT_DUE_MS);
  await makeDue(order);
  await gate.markSent(order);
  assert.equal(await dueOf(order), 0);
});

test('markSent never brings a record back: an order that ended stays away, a sold one stays sold', async () => {
  const sale = await open(2);
  const [ended, sold] = [await admitted(sale, 'alice'), await admitted(sale, 'bob')];
  await gate.settleEnded(sale.id, ended.orderId, 'alice');
  await gate.settleConfirmed(sale.id, sold.orderId, 1);
  const before = await read(sale.id);
  await Promise.all([gate.markSent(ended), gate.markSent(sold)]);
  assert.deepEqual(await read(sale.id), before);
  assert.deepEqual([before.tickets, before.records.size], [1, 1]);
});

test('refuse gives everything of an unsent order back, once', async () => {
  const sale = await open(5);
  const order = await admitted(sale, 'alice', 3);
  assert.equal(await gate.refuse(order), true);
  const { records, buyers, due } = await read(sale.id);
  assert.deepEqual([await tickets(sale.id), records.size, buyers.size, due.size], [5, 0, 0, 0]);
  assert.equal(await gate.refuse(order), false);
  assert.equal(await tickets(sale.id), 5);
  await admitted(sale, 'alice');
});

test('refuse does nothing once the order was sent, or claimed by a sweeper that may have sent it', async () => {
  const sale = await open(2);
  const [sent, claimed] = [await admitted(sale, 'alice'), await admitted(sale, 'bob')];
  await gate.markSent(sent);
  await makeDue(claimed);
  await gate.claim(sale.id);
  assert.deepEqual([await gate.refuse(sent), await gate.refuse(claimed)], [false, false]);
  assert.deepEqual([await tickets(sale.id), (await read(sale.id)).records.size], [0, 2]);
});

test('refuse does nothing in a gate of another Redis or of another epoch', async () => {
  const sale = await open(2);
  const order = await admitted(sale, 'alice');
  assert.equal(await elsewhere.refuse(order), false);
  assert.equal(await gate.refuse({ ...order, epoch: 2 }), false);
  assert.deepEqual([await tickets(sale.id), await stateOf(order)], [1, 'unsent']);
});

test('the same key again is told of the first order, even when the gate has nothing more to give', async () => {
  const sale = await open(2);
  const first = anOrder(sale, 'alice', 2);
  assert.deepEqual(await gate.admit(first, DUE_MS, 'k'), { kind: 'admitted' });
  const repeated = { kind: 'repeated', first: { orderId: first.orderId, quantity: 2 } };
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), DUE_MS, 'k'), repeated);
  assert.deepEqual(await gate.recall(first, 'k'), repeated.first);
  assert.deepEqual(await gate.admit(anOrder(sale, 'bob'), DUE_MS, 'k'), { kind: 'sold-out' });
  assert.equal(await gate.recall(anOrder(sale, 'bob'), 'k'), null);
  assert.equal(await elsewhere.recall(first, 'k'), 'stale');
  assert.deepEqual(await elsewhere.admit(anOrder(sale, 'alice'), DUE_MS, 'k'), { kind: 'stale' });
});

test('an order that is refused is forgotten with its key and its place in line', async () => {
  const sale = await open(5);
  const order = anOrder(sale, 'alice');
  await gate.admit(order, DUE_MS, 'k');
  assert.equal(await gate.position(order), 1);
  assert.equal(await gate.refuse(order), true);
  assert.deepEqual([await gate.recall(order, 'k'), await gate.position(order)], [null, null]);
  assert.deepEqual(await gate.admit(anOrder(sale, 'alice'), DUE_MS, 'k'), { kind: 'admitted' });
});

test('the line is in the order of admission, and who leaves it lets everybody behind move up', async () => {
  const sale = await open(5);
  const orders = [];
  for (const buyer of ['one', 'two', 'three', 'four']) orders.push(await admitted(sale, buyer));
  const [one, two, three, four] = orders as [
    (typeof orders)[0],
    (typeof orders)[0],
    (typeof orders)[0],
    (typeof orders)[0],
  ];
  const places = async () => Promise.all([one, two, three, four].map((order) => gate.position(order)));
  assert.deepEqual(await places(), [1, 2, 3, 4]);
  await gate.settleConfirmed(sale.id, one.orderId, 1);
  await gate.settleEnded(sale.id, three.orderId, 'three');
  assert.deepEqual(await places(), [null, 1, null, 2]);
  assert.equal(await gate.orderOf(sale.id, 'two'), two.orderId);
  assert.equal(await gate.orderOf(sale.id, 'three'), null);
  assert.equal(await elsewhere.orderOf(sale.id, 'two'), 'stale');
});
