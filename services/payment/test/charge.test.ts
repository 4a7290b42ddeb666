import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status, statusOf } from '@flashsale/rpc/client';
import { until } from '../../../infra/until.ts';
import { item, itemsOf, NO_DEADLINE, openEnvironment, openScriptedBank, orderIds } from './payment.ts';

/** A turn of more than a quarter of an hour. */
const STANDSTILL = 0.001;

test('an order is charged once, however often and by however many it is requested at once', async (t) => {
  const { bank, startPayment } = await openEnvironment(t);
  const payments = [await startPayment(), await startPayment()];
  const ids = orderIds(50);
  const calls = Array.from({ length: 10 }, (_, i) => payments[i % 2]?.charge(itemsOf(i < 5 ? ids : ids.toReversed())));
  for (const states of await Promise.all(calls)) assert.deepEqual(new Set(states), new Set(['captured']));
  const { charges } = await bank.statement();
  assert.deepEqual(charges.map((charge) => charge.key).sort(), ids.sort());
  assert.ok(charges.every((charge) => charge.status === 'captured' && charge.amountMinor === 1_000));
});

test('a bank that is late leaves it unknown before the deadline; a repeated call finds the one charge', async (t) => {
  const { bank, startPayment } = await openEnvironment(t, { CHARGES_PER_SECOND: STANDSTILL });
  const payment = await startPayment();
  const items = itemsOf(orderIds(12));
  assert.deepEqual(new Set(await payment.charge(items, 10_000)), new Set(['unknown']));
  await bank.change({ chargesPerSecond: 0 });
  assert.deepEqual(new Set(await payment.charge(items)), new Set(['captured']));
  assert.equal((await bank.statement()).charges.length, 12);
});

test('an order for which payment has no free connection has an outcome in time, too', async (t) => {
  const { bank, startPayment } = await openEnvironment(t, { CHARGES_PER_SECOND: STANDSTILL });
  const payment = await startPayment({ BANK_CONCURRENCY: 2 });
  const charged = payment.charge(itemsOf(orderIds(2)));
  await bank.queueHas({ waiting: 1, inProgress: 1 });
  assert.deepEqual(await payment.charge(itemsOf(orderIds(1)), NO_DEADLINE), ['unknown']);
  await bank.change({ chargesPerSecond: 0 });
  assert.deepEqual(await charged, ['captured', 'captured']);
});

test('a deadline of any length is a deadline: a tenth of it need not be whole milliseconds', async (t) => {
  const { startPayment } = await openEnvironment(t);
  const payment = await startPayment();
  for (const deadlineMs of [1_995, 1_996, 1_997]) {
    assert.deepEqual(await payment.charge(itemsOf(orderIds(1)), deadlineMs), ['captured']);
  }
});

test('what is known in time is returned, the rest has no outcome', async (t) => {
  const { bank, startPayment } = await openEnvironment(t);
  const payment = await startPayment();
  const [first, second] = orderIds(2) as [string, string];
  await bank.charge(first);
  await bank.change({ chargesPerSecond: STANDSTILL });
  assert.deepEqual(await payment.charge([item(second), item(first)], NO_DEADLINE), ['unknown', 'captured']);
  assert.deepEqual(await payment.states([second, first]), ['requested', 'captured']);
});

test('a bank that fails after it has charged is called again, and has charged once', async (t) => {
  const { bank, startPayment } = await openEnvironment(t, { ERROR_RATE: 1 });
  const payment = await startPayment();
  const items = itemsOf(orderIds(30));
  assert.deepEqual(new Set(await payment.charge(items)), new Set(['unknown']));
  const took = (await bank.statement()).charges.length;
  assert.ok(took > 0 && took < 30, `${took} of 30 had taken effect`);
  await bank.change({ errorRate: 0 });
  assert.deepEqual(new Set(await payment.charge(items)), new Set(['captured']));
  assert.equal((await bank.statement()).charges.length, 30);
});

test('a bank that cannot be reached leaves it unknown, never a decline', async (t) => {
  const { startPayment } = await openEnvironment(t);
  const payment = await startPayment({ BANK_URL: 'http://127.0.0.1:1' });
  assert.deepEqual(await payment.charge(itemsOf(orderIds(3))), ['unknown', 'unknown', 'unknown']);
});

test('a bank that does not know our key leaves it unknown, never a decline', async (t) => {
  const { startPayment } = await openEnvironment(t);
  const payment = await startPayment({ BANK_API_KEY: 'x'.repeat(32) });
  assert.deepEqual(await payment.charge(itemsOf(orderIds(1))), ['unknown']);
});

test('items are independent: one declined or voided does not fail its neighbours', async (t) => {
  const { bank, moneyOf, startPayment } = await openEnvironment(t, { DECLINE_RATE: 1 });
  const payment = await startPayment();
  const ids = orderIds(4) as [string, string, string, string];
  assert.deepEqual(await payment.charge([item(ids[1])]), ['declined']);
  await bank.change({ declineRate: 0 });
  assert.deepEqual(await payment.void([ids[2]]), ['voided']);
  const items = itemsOf([...ids, ids[0]]);
  assert.deepEqual(await payment.charge(items), ['captured', 'declined', 'voided', 'captured', 'captured']);
  assert.deepEqual(await moneyOf(ids), ['captured', 'declined', 'nothing', 'captured']);
});

test('the first amount stays, whatever is requested later', async (t) => {
  const { bank, startPayment } = await openEnvironment(t, { ERROR_RATE: 1 });
  const payment = await startPayment();
  const [id] = orderIds(1) as [string];
  assert.deepEqual(await payment.charge([item(id, 700, 'USD')]), ['unknown']);
  await bank.change({ errorRate: 0 });
  assert.deepEqual(await payment.charge([item(id, 900, 'EUR')]), ['captured']);
  assert.deepEqual(await payment.charge([item(id, 900, 'EUR')]), ['captured']);
  const { charge, amount } = await payment.get(id);
  assert.deepEqual([charge?.orderId, amount], [id, { amountMinor: 700, currency: 'USD' }]);
  assert.deepEqual(
    (await bank.statement()).charges.map(({ amountMinor, currency }) => [amountMinor, currency]),
    [[700, 'USD']],
  );
});

test('an id in capital letters is the same order', async (t) => {
  const { bank, startPayment } = await openEnvironment(t);
  const payment = await startPayment();
  const [id] = orderIds(1) as [string];
  assert.deepEqual(await payment.charge([item(id.toUpperCase()), item(id)]), ['captured', 'captured']);
  assert.equal((await bank.statement()).charges.length, 1);
});

test('what cannot be read is refused by the name of its field, and nothing of the call is written', async (t) => {
  const { bank, startPayment } = await openEnvironment(t);
  const payment = await startPayment();
  const [good, other] = orderIds(2) as [string, string];
  const refused = async (call: Promise<unknown>, field: RegExp) =>
    assert.rejects(call, (error: Error) => statusOf(error) === status.INVALID_ARGUMENT && field.test(error.message));
  await refused(payment.charge([item(good), item('x')]), /items\[1\]\.order_id/);
  await refused(payment.charge([item(good), item(other, 0)]), /items\[1\]\.amount\.amount_minor/);
  await refused(payment.charge([item(good), item(other, -5)]), /items\[1\]\.amount\.amount_minor/);
  await refused(payment.charge([item(good), item(other, 1, 'euro')]), /items\[1\]\.amount\.currency/);
  await refused(payment.void([good, 'x']), /order_ids\[1\]/);
  await refused(payment.get('x'), /order_id/);
  await assert.rejects(payment.get(good), (error) => statusOf(error) === status.NOT_FOUND);
  assert.deepEqual((await bank.statement()).charges, []);
});

test('an empty list returns an empty list', async (t) => {
  const { startPayment } = await openEnvironment(t);
  const payment = await startPayment();
  assert.deepEqual([await payment.charge([]), await payment.void([])], [[], []]);
});

test('each outcome arrives when it is known, while the bank hangs on another order of the same call', async (t) => {
  const { startPayment } = await openEnvironment(t);
  const bank = await openScriptedBank(t);
  const payment = await startPayment({ BANK_URL: bank.url });
  const [hanging, quick, voided] = orderIds(3) as [string, string, string];
  await payment.void([voided]);
  bank.hold(hanging);

  const known = new Map<string, string>();
  const stream = payment.outcomes(itemsOf([hanging, quick, voided]));
  const next = async () => {
    for (const [id, state] of (await stream.next()).value ?? assert.fail('it has ended')) known.set(id, state);
  };
  while (known.size < 2) await next();
  assert.deepEqual(Object.fromEntries(known), { [quick]: 'captured', [voided]: 'voided' });
  assert.deepEqual(await payment.states([hanging, quick]), ['requested', 'captured']);
  bank.letGo();
  await next();
  assert.equal(known.get(hanging), 'captured');
  assert.ok((await stream.next()).done, 'it ends when all are known');
});

test('an order that is at the bank already is not charged again: the second caller attaches to the call', async (t) => {
  const { startPayment } = await openEnvironment(t);
  const bank = await openScriptedBank(t);
  const payment = await startPayment({ BANK_URL: bank.url });
  const [id, other] = orderIds(2) as [string, string];
  bank.hold(id);
  const first = payment.charge([item(id)]);
  await until('the bank has the first', () => bank.requests(id) === 1);
  const second = payment.charge([item(id), item(other)]);
  await until('the bank has the other', () => bank.requests(other) === 1);
  bank.letGo();
  assert.deepEqual([await first, await second], [['captured'], ['captured', 'captured']]);
  assert.equal(bank.requests(id), 1);
});

test('a caller that attached to a call with less time calls the bank itself when that time is up', async (t) => {
  const { bank, startPayment } = await openEnvironment(t, { CHARGES_PER_SECOND: STANDSTILL });
  const payment = await startPayment();
  const [id] = orderIds(1) as [string];
  const hurried = payment.charge([item(id)], NO_DEADLINE);
  await bank.queueHas({ waiting: 0, inProgress: 1 });
  const charged = payment.charge([item(id)]);
  assert.deepEqual(await hurried, ['unknown']);
  await bank.change({ chargesPerSecond: 0 });
  assert.deepEqual(await charged, ['captured']);
  assert.equal((await bank.statement()).charges.length, 1);
});
