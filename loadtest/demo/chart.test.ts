import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axis, bars, levels, rateNow, rates, valueAt } from './chart.ts';
import { createBooks, inLine, type Sample } from './sample.ts';

const sample = (atMs: number, sent: number, more: Partial<Sample> = {}): Sample => ({
  atMs,
  sent,
  yes: 0,
  refused: 0,
  other: 0,
  confirmed: 0,
  decided: 0,
  bank: { charges: 0, busyMs: 0, waiting: 0, inProgress: 0 },
  ...more,
});
const sent = (one: Sample) => one.sent;

test('a bar is as high as its share, is seen when there is anything at all, and never leaves its cell', () => {
  assert.equal(bars([0, 0.001, 50, 100, 1_000], 100), ' ▁▄██');
});

test('between two samples a value lies on the line between them; after the last it stays', () => {
  const samples = [sample(100, 10), sample(300, 50)];
  assert.deepEqual(
    [50, 100, 200, 300, 400].map((atMs) => valueAt(samples, sent, atMs)),
    [5, 10, 30, 50, 50],
  );
  assert.equal(valueAt([], sent, 100), 0);
});

test('samples that come late change nothing about the rates', () => {
  const inTime = [sample(250, 250), sample(500, 500), sample(750, 750), sample(1_000, 1_000)];
  const late = [sample(250, 250), sample(1_000, 1_000)];
  assert.deepEqual(rates(inTime, sent, 500), [1_000, 1_000]);
  assert.deepEqual(rates(late, sent, 500), [1_000, 1_000]);
  assert.deepEqual(levels(late, sent, 500), [500, 1_000]);
  assert.deepEqual(rates([], sent, 500), []);
});

test('the rate now is that of the last second', () => {
  assert.equal(rateNow([], sent), 0);
  assert.equal(rateNow([sample(500, 100)], sent), 200);
  assert.equal(rateNow([sample(1_000, 100), sample(2_000, 100)], sent), 0);
});

test('the axis has its ticks under their times, and none beyond the chart', () => {
  assert.equal(axis(250, 43), '0 s     2 s     4 s     6 s     8 s');
  assert.equal(axis(50, 20), '0 s       0.5 s');
  for (const cellMs of [1, 50, 279, 5_000, 400_000]) assert.ok(axis(cellMs, 43).length <= 43);
});

test('in line is who was told yes and waits for the result; on the direct road who waits for an answer', () => {
  const now = sample(0, 100, { yes: 30, refused: 50, other: 1, decided: 10 });
  assert.equal(inLine('queued', now), 20);
  assert.equal(inLine('direct', now), 19);
  assert.equal(inLine('queued', { ...now, decided: 31 }), 0, 'a tally is older than the database');
});

test('each of the bank’s turns is counted once, and only those of this crowd', async () => {
  const charge = (key: string, startedAtMs: number) => ({
    key,
    status: 'captured' as const,
    amountMinor: 1,
    currency: 'EUR',
    startedAtMs,
    finishedAtMs: startedAtMs + 10,
  });
  const began = Date.now();
  const listed = [charge('before', began - 1), charge('a', began), charge('b', began + 10)];
  const asked: number[] = [];
  const statement = async (sinceMs = 0) => {
    asked.push(sinceMs);
    return { charges: listed, line: { waiting: 3, inProgress: 1 } };
  };
  const books = createBooks({ statement }, began);
  assert.deepEqual(await books.read(), { charges: 2, busyMs: 20, waiting: 3, inProgress: 1 });
  listed.push(charge('c', began + 20));
  assert.deepEqual(await books.read(), { charges: 3, busyMs: 30, waiting: 3, inProgress: 1 });
  assert.ok(asked.every((sinceMs) => sinceMs > 0));
});
