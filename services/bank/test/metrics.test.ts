import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scrape } from '../../../infra/testbed/metrics.ts';
import { openBank } from './bank.ts';

/** A turn of more than a quarter of an hour. */
const STANDSTILL = 0.001;

test('a bank that was never called is idle, and says what it can take', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: 50 });
  const { sample } = await scrape(bank.ops);
  assert.equal(sample('bank_busy_seconds_total'), 0);
  assert.equal(sample('bank_waiting'), 0);
  assert.equal(sample('bank_capacity_per_second'), 50);
});

test('a full bank shows how many wait, and later how long it was busy', async (t) => {
  const bank = await openBank(t, { CHARGES_PER_SECOND: STANDSTILL });
  const charged = [1, 2, 3].map((order) => bank.charge(`order-${order}`));
  await bank.queueHas({ waiting: 2, inProgress: 1 });
  assert.equal((await scrape(bank.ops)).sample('bank_waiting'), 2);

  await bank.change({ chargesPerSecond: 20 });
  await Promise.all(charged);
  const { page, sample } = await scrape(bank.ops);
  assert.equal(sample('bank_waiting'), 0);
  assert.equal(sample('bank_capacity_per_second'), 20);
  const lines = (await bank.statement()).charges;
  const busyMs = lines.reduce((sum, { startedAtMs, finishedAtMs }) => sum + finishedAtMs - startedAtMs, 0);
  // The statement has whole milliseconds.
  const differsBy = Math.abs(Number(sample('bank_busy_seconds_total')) * 1_000 - busyMs);
  assert.ok(busyMs >= 100 && differsBy <= 2 * lines.length, `${busyMs} ms on the statement, ${differsBy} ms apart`);
  assert.doesNotMatch(page, /order-/);
});
