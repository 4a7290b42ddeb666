import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scrape } from '../../../infra/testbed/metrics.ts';
import { until } from '../../../infra/until.ts';
import { itemsOf, openEnvironment, orderIds } from './payment.ts';

const STANDSTILL = 0.001;
const ANSWERS = {
  charge: ['captured', 'declined', 'reversed', 'unknown'],
  reverse: ['reversed', 'declined', 'unknown'],
};

test('every series is there from the start, with 0', async (t) => {
  const { startPayment } = await openEnvironment(t);
  const { sample } = await scrape((await startPayment()).ops);
  for (const [call, outcomes] of Object.entries(ANSWERS)) {
    assert.equal(sample('payment_bank_in_flight', { call }), 0, call);
    for (const outcome of outcomes)
      assert.equal(sample('payment_bank_call_seconds_count', { call, outcome }), 0, `${call}: ${outcome}`);
  }
  assert.equal(sample('payment_reversals_owed'), 0);
  assert.equal(sample('payment_reversals_oldest_seconds'), 0);
});

test('charges are in flight until the bank has answered', async (t) => {
  const { bank, startPayment } = await openEnvironment(t, { CHARGES_PER_SECOND: STANDSTILL });
  const payment = await startPayment({ BANK_TIMEOUT_MS: 60_000 });
  const charged = payment.charge(itemsOf(orderIds(3)));
  await bank.queueHas({ waiting: 2, inProgress: 1 });
  const inFlight = async () => (await scrape(payment.ops)).sample('payment_bank_in_flight', { call: 'charge' });
  assert.equal(await inFlight(), 3);
  await bank.change({ chargesPerSecond: 0 });
  await charged;
  assert.equal(await inFlight(), 0);
});

test('a reversal is owed, and its age grows, until the bank has carried it out', async (t) => {
  const { bank, startPayment } = await openEnvironment(t);
  const payment = await startPayment();
  const ids = orderIds(2);
  await payment.charge(itemsOf(ids));
  await bank.change({ latencyMs: { p50: 3_600_000, p99: 3_600_000 } });
  await payment.void(ids);
  await until('both are owed, for more than a second', async () => {
    const { sample } = await scrape(payment.ops);
    const oldest = sample('payment_reversals_oldest_seconds') ?? 0;
    const failed = sample('payment_bank_call_seconds_count', { call: 'reverse', outcome: 'unknown' }) ?? 0;
    return sample('payment_reversals_owed') === 2 && oldest > 1 && failed > 0;
  });
  const { page } = await scrape(payment.ops);
  for (const id of ids) assert.ok(!page.includes(id), id);
  await bank.change({ latencyMs: { p50: 0, p99: 0 } });
  await until('none is owed', async () => {
    const { sample } = await scrape(payment.ops);
    return sample('payment_reversals_owed') === 0 && sample('payment_reversals_oldest_seconds') === 0;
  });
});
