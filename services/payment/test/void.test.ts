import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../infra/until.ts';
import { itemsOf, openEnvironment, openScriptedBank, orderIds } from './payment.ts';

const STANDSTILL = 0.001;
const HANGS = { latencyMs: { p50: 3_600_000, p99: 3_600_000 } };
const AT_ONCE = { latencyMs: { p50: 0, p99: 0 } };

const all = (states: string[], expected: string) => states.every((state) => state === expected);

test('an order voided before it is charged is never charged: a late charge is refused', async (t) => {
  const { bank, startPayment } = await openEnvironment(t);
  const payment = await startPayment();
  const ids = orderIds(3);
  assert.ok(all(await payment.void(ids), 'voided'));
  assert.ok(all(await payment.charge(itemsOf(ids)), 'voided'));
  assert.ok(all(await payment.void(ids), 'voided'));
  assert.equal((await payment.get(String(ids[0]))).amount, undefined);
  assert.deepEqual((await bank.statement()).charges, []);
});

test('voiding what was captured refunds it, and it stays refunded', async (t) => {
  const { moneyOf, startPayment } = await openEnvironment(t);
  const payment = await startPayment();
  const ids = orderIds(60);
  assert.ok(all(await payment.charge(itemsOf(ids)), 'captured'));
  assert.ok(all(await payment.void(ids), 'reversing'));
  await until('all are reversed', async () => all(await payment.states(ids), 'reversed'));
  assert.ok(all(await moneyOf(ids), 'reversed'));
  assert.ok(all(await payment.charge(itemsOf(ids)), 'reversed'));
  assert.ok(all(await payment.void(ids), 'reversed'));
});

test('voiding what was declined changes nothing', async (t) => {
  const { startPayment } = await openEnvironment(t, { DECLINE_RATE: 1 });
  const payment = await startPayment();
  const ids = orderIds(2);
  assert.ok(all(await payment.charge(itemsOf(ids)), 'declined'));
  assert.ok(all(await payment.void(ids), 'declined'));
});

test('an order voided while the bank is silent ends reversed, though the bank goes on later', async (t) => {
  const { bank, moneyOf, startPayment } = await openEnvironment(t, { CHARGES_PER_SECOND: STANDSTILL });
  const payment = await startPayment();
  const ids = orderIds(2);
  const charged = payment.charge(itemsOf(ids));
  // One is at work, the other in the queue behind it.
  await bank.queueHas({ waiting: 1, inProgress: 1 });
  assert.ok(all(await payment.void(ids), 'reversing'));
  await until('all are reversed', async () => all(await payment.states(ids), 'reversed'));
  await bank.change({ chargesPerSecond: 0 });
  assert.ok((await charged).every((state) => state === 'reversing' || state === 'reversed'));
  assert.deepEqual((await moneyOf(ids)).sort(), ['nothing', 'reversed']);
  assert.ok(all(await payment.charge(itemsOf(ids)), 'reversed'));
});

test('an order voided when the bank has not even received it is refused there for ever', async (t) => {
  const { bank, startPayment } = await openEnvironment(t);
  const cutOff = await startPayment({ BANK_URL: 'http://127.0.0.1:1' });
  const ids = orderIds(2);
  assert.ok(all(await cutOff.charge(itemsOf(ids)), 'unknown'));
  assert.ok(all(await cutOff.void(ids), 'reversing'));
  const payment = await startPayment();
  await until('all are reversed', async () => all(await payment.states(ids), 'reversed'));
  for (const id of ids) assert.equal((await bank.charge(id)).status, 409);
});

test('an order that turns out to be declined while it is taken back ends declined', async (t) => {
  const { bank, startPayment } = await openEnvironment(t, { DECLINE_RATE: 1, ERROR_RATE: 1, SEED: 3 });
  const payment = await startPayment();
  const ids = orderIds(20);
  assert.ok(all(await payment.charge(itemsOf(ids)), 'unknown'));
  const declined = new Set((await bank.statement()).charges.map((charge) => charge.key));
  assert.ok(declined.size > 0 && declined.size < 20);
  await bank.change({ errorRate: 0 });
  await payment.void(ids);
  const expected = ids.map((id) => (declined.has(id) ? 'declined' : 'reversed'));
  await until('all have ended', async () => JSON.stringify(await payment.states(ids)) === JSON.stringify(expected));
});

test('a void returns while the bank hangs, and is carried out when it responds again, by a restarted payment too', async (t) => {
  const { bank, moneyOf, startPayment } = await openEnvironment(t);
  const before = await startPayment();
  const ids = orderIds(30);
  assert.ok(all(await before.charge(itemsOf(ids)), 'captured'));
  await bank.change(HANGS);
  assert.ok(all(await before.void(ids), 'reversing'));
  await before.stop();
  const after = await startPayment();
  assert.ok(all(await after.states(ids), 'reversing'));
  assert.ok(all(await moneyOf(ids), 'captured'));
  await bank.change(AT_ONCE);
  await until('all are reversed', async () => all(await after.states(ids), 'reversed'));
  assert.ok(all(await moneyOf(ids), 'reversed'));
});

test('a reversal that the bank fails, before or after it took effect, is tried again until it succeeds', async (t) => {
  const { bank, moneyOf, startPayment } = await openEnvironment(t);
  const payment = await startPayment();
  const ids = orderIds(10);
  await payment.charge(itemsOf(ids));
  await bank.change({ errorRate: 1 });
  await payment.void(ids);
  await until('one is reversed at the bank', async () => (await moneyOf(ids)).includes('reversed'));
  assert.ok(all(await payment.states(ids), 'reversing'));
  await bank.change({ errorRate: 0 });
  await until('all are reversed', async () => all(await payment.states(ids), 'reversed'));
  assert.ok(all(await moneyOf(ids), 'reversed'));
});

test('whatever way charges and voids meet, at a bank in bad weather, payment and bank agree in the end', async (t) => {
  const weather = {
    DECLINE_RATE: 0.2,
    ERROR_RATE: 0.3,
    LATENCY_P50_MS: 5,
    LATENCY_P99_MS: 40,
    LATE_RATE: 0.2,
    LATE_MS: 30,
  };
  const { moneyOf, startPayment } = await openEnvironment(t, { ...weather, CHARGES_PER_SECOND: 2_000 });
  const payments = [
    await startPayment({ BANK_CONCURRENCY: 20 }),
    await startPayment({ BANK_CONCURRENCY: 20 }),
  ] as const;
  const ids = orderIds(120);
  // A third is never voided, a third is voided by the other process at once, a third at some time.
  const voided = ids.filter((_, i) => i % 3 !== 0);
  const calls = [0, 1, 2, 3].flatMap((run) => [
    payments[0].charge(itemsOf(ids)),
    payments[1].charge(itemsOf(ids.toReversed())),
    payments[1].void(voided.filter((_, i) => i % 2 === 0 || run === 2)),
  ]);
  await Promise.all(calls);
  const final = (state: string) => state !== 'unknown' && state !== 'reversing';
  await until('all are final', async () => (await payments[0].charge(itemsOf(ids))).every(final));

  const states = await payments[0].states(ids);
  const money = await moneyOf(ids);
  ids.forEach((id, i) => {
    const said = `${states[i]} here, ${money[i]} there`;
    const agree = ['captured here, captured there', 'declined here, declined there'];
    const none = ['reversed here, reversed there', 'reversed here, nothing there', 'voided here, nothing there'];
    assert.ok((voided.includes(id) ? [agree[1], ...none] : agree).includes(said), said);
  });
});

test('calls that name the same orders in another order do not lock each other out', async (t) => {
  const { startPayment } = await openEnvironment(t);
  const cutOff = { BANK_URL: 'http://127.0.0.1:1' };
  const payments = [await startPayment(cutOff), await startPayment(cutOff)] as const;
  for (let run = 0; run < 3; run++) {
    const ids = orderIds(1_000);
    const outcomes = await Promise.all([
      payments[0].charge(itemsOf(ids)),
      payments[1].charge(itemsOf(ids.toReversed())),
      payments[0].void(ids.toReversed()),
      payments[1].void(ids),
    ]);
    for (const states of outcomes) assert.equal(states.length, 1_000);
  }
});

test('an order on which the bank hangs holds up the refund of no other', async (t) => {
  const { startPayment } = await openEnvironment(t);
  const bank = await openScriptedBank(t);
  const payment = await startPayment({ BANK_URL: bank.url, BANK_TIMEOUT_MS: 3_600_000 });
  const [hanging, ...ids] = orderIds(60) as [string, ...string[]];
  await payment.charge(itemsOf([hanging, ...ids]));
  bank.hold(hanging);
  await payment.void([hanging]);
  await until('the bank has the reversal', () => bank.requests(hanging) === 2);
  await payment.void(ids);
  await until('all are reversed', async () => all(await payment.states(ids), 'reversed'));
  assert.deepEqual(await payment.states([hanging]), ['reversing']);
});
