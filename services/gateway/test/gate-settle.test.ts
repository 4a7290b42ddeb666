// The gate's scripts on a real Redis: handing out what is due, settling what is final, and the buyer's view.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type OrderView, UNDECIDED } from '../src/domain/order-view.ts';
import { anOrder, openGates } from './gates.ts';

const gates = await openGates();
after(() => gates.close());
const { gate, views, elsewhere, eye, open, admitted, read, tickets, stateOf, dueOf, makeDue, now } = gates;

test('claim hands out what is due, with the epoch of the gate, and puts it off for a lease', async () => {
  const sale = await open(3);
  const [unsent, sent, young] = [await admitted(sale, 'a'), await admitted(sale, 'b'), await admitted(sale, 'c')];
  await gate.markSent(sent);
  await Promise.all([makeDue(unsent), makeDue(sent)]);
  const before = await now();
  const { epoch, records } = await gate.claim(sale.id);
  assert.equal(epoch, 1);
  const claimed = records.map(({ orderId, state }) => [orderId, state]);
  assert.deepEqual(
    new Map(claimed as [string, string][]),
    new Map([
      [unsent.orderId, 'unsent'],
      [sent.orderId, 'sent'],
    ]),
  );
  for (const order of [unsent, sent]) assert.ok(((await dueOf(order)) as number) > before);
  assert.deepEqual((await gate.claim(sale.id)).records, []);
  assert.equal((await read(sale.id)).records.has(young.orderId), true);

  await makeDue(unsent);
  assert.deepEqual((await gate.claim(sale.id)).records[0]?.orderId, unsent.orderId);
});

test('two sweepers never get the same record at the same time', async () => {
  const sale = await open(40);
  const orders = await Promise.all(Array.from({ length: 40 }, (_, i) => admitted(sale, `buyer-${i}`)));
  await Promise.all(orders.map(makeDue));
  const others = await Promise.all([gates.connect(), gates.connect()]);
  const claims = await Promise.all([gate, ...others.map((other) => other.gate)].map((each) => each.claim(sale.id)));
  const ids = claims.flatMap(({ records }) => records.map(({ orderId }) => orderId));
  assert.deepEqual(ids.sort(), orders.map(({ orderId }) => orderId).sort());
});

test('claim hands out nothing from a gate of another Redis, and claims nothing', async () => {
  const sale = await open(1);
  const order = await admitted(sale, 'alice');
  await makeDue(order);
  assert.deepEqual(await elsewhere.claim(sale.id), { epoch: 0, records: [] });
  assert.equal(await dueOf(order), 0);
  assert.equal(await gate.refuse(order), true);
});

test('a confirmed order keeps its tickets, leaves the line and drops its command, once or ten times', async () => {
  const sale = await open(5);
  const order = await admitted(sale, 'alice', 2);
  await Promise.all(Array.from({ length: 10 }, () => gate.settleConfirmed(sale.id, order.orderId, 1)));
  const { records, due, buyers } = await read(sale.id);
  assert.deepEqual([await tickets(sale.id), records.get(order.orderId)?.state, due.size], [3, 'sold', 0]);
  assert.equal(buyers.get('alice'), order.orderId);
  assert.doesNotMatch((await eye.hget(`sale:{${sale.id}}:orders`, order.orderId)) as string, /decideByMs/);
});

test('a confirmation that speaks of another epoch settles nothing, and one without a record makes none', async () => {
  const sale = await open(2, { epoch: 2 });
  const order = await admitted(sale, 'alice');
  await gate.settleConfirmed(sale.id, order.orderId, 1);
  await gate.settleConfirmed(sale.id, order.orderId, 3);
  assert.equal(await stateOf(order), 'unsent');
  await gate.settleConfirmed(sale.id, anOrder(sale, 'bob').orderId, 2);
  assert.equal((await read(sale.id)).records.size, 1);
});

test('an order that ended gives its tickets back, from whatever state it is in, in any epoch', async () => {
  const sale = await open(6, { epoch: 7 });
  const [unsent, sent, sold] = [await admitted(sale, 'a'), await admitted(sale, 'b', 2), await admitted(sale, 'c', 3)];
  await gate.markSent(sent);
  await gate.settleConfirmed(sale.id, sold.orderId, 7);
  for (const [order, left] of [
    [sold, 3],
    [sent, 5],
    [unsent, 6],
  ] as const) {
    await gate.settleEnded(sale.id, order.orderId, order.buyerId);
    assert.equal(await tickets(sale.id), left);
  }
  const { records, buyers, due } = await read(sale.id);
  assert.deepEqual([records.size, buyers.size, due.size], [0, 0, 0]);
});

test('the same end settled ten times, from four gateways at once, gives back once', async () => {
  const sale = await open(4);
  const [order, other] = [await admitted(sale, 'alice', 2), await admitted(sale, 'bob')];
  const four = [gate, ...(await Promise.all([gates.connect(), gates.connect(), gates.connect()])).map((it) => it.gate)];
  const settled = Array.from({ length: 10 }, (_, i) => four[i % 4]?.settleEnded(sale.id, order.orderId, 'alice'));
  await Promise.all(settled);
  assert.equal(await tickets(sale.id), 3);
  assert.equal(await stateOf(other), 'unsent');
});

test('an end gives nothing back of the order that the buyer has now', async () => {
  const sale = await open(2);
  const first = await admitted(sale, 'alice');
  await gate.settleEnded(sale.id, first.orderId, 'alice');
  const second = await admitted(sale, 'alice', 2);
  await gate.settleEnded(sale.id, first.orderId, 'alice');
  await gate.settleEnded(sale.id, second.orderId, 'bob');
  assert.deepEqual([await tickets(sale.id), await stateOf(second)], [0, 'unsent']);
  const nowhere = anOrder(sale, 'alice');
  await gate.settleEnded(nowhere.orderId, nowhere.orderId, 'alice');
  assert.equal(await eye.exists(`sale:{${nowhere.orderId}}:gate`), 0);
});

test('the view keeps the highest version, in whatever order its versions come', async () => {
  const sale = await open(1);
  const { orderId, saleId, buyerId, quantity } = anOrder(sale, 'alice');
  const view = (version: number, status: OrderView['status']): OrderView => ({
    ...UNDECIDED,
    orderId,
    saleId,
    buyerId,
    quantity,
    status,
    version,
  });
  assert.equal(await views.find(orderId), undefined);
  await views.show(view(2, 'confirmed'));
  await views.show(view(0, 'queued'));
  assert.equal((await views.find(orderId))?.status, 'confirmed');
  await views.show(view(4, 'cancelled'));
  await views.show(view(3, 'confirmed'));
  assert.equal((await views.find(orderId))?.status, 'cancelled');
  await views.show(view(12, 'expired'));
  assert.equal((await views.find(orderId))?.status, 'expired');
});
