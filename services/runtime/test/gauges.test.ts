import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { until } from '../../../infra/until.ts';
import { createReadGauges } from '../src/gauges.ts';

type Backlog = { waiting: number; byQueue: Record<string, number> };
const DECLARED = {
  waiting: { name: 'waiting', help: 'What waits.' },
  byQueue: { name: 'waiting_by_queue', help: 'What waits where.', label: 'queue' },
};

function declared(read: () => Promise<Backlog>) {
  const registry = new Registry();
  createReadGauges(registry, DECLARED, read);
  return async () => (await registry.metrics()).split('\n').filter((line) => line && !line.startsWith('#'));
}

test('one read gives all gauges, and scrapes that come together share it', async () => {
  let reads = 0;
  const scrape = declared(async () => {
    reads += 1;
    return { waiting: 3, byQueue: { first: 1, second: 2 } };
  });
  const samples = ['waiting 3', 'waiting_by_queue{queue="first"} 1', 'waiting_by_queue{queue="second"} 2'];
  assert.deepEqual(await Promise.all([scrape(), scrape()]), [samples, samples]);
  assert.equal(reads, 1);
});

test('a later scrape reads again', async () => {
  let waiting = 0;
  const scrape = declared(async () => ({ waiting: ++waiting, byQueue: {} }));
  assert.deepEqual(await scrape(), ['waiting 1']);
  await until('it has read again', async () => (await scrape()).includes('waiting 2'));
});

test('a read that fails leaves its gauges out, also those that were there, and they come back', async () => {
  let fails = false;
  const scrape = declared(async () => {
    if (fails) throw new Error('the database is away');
    return { waiting: 0, byQueue: { first: 0 } };
  });
  const samples = ['waiting 0', 'waiting_by_queue{queue="first"} 0'];
  assert.deepEqual(await scrape(), samples);
  fails = true;
  await until('they are left out', async () => (await scrape()).length === 0);
  fails = false;
  await until('they are back', async () => (await scrape()).length === 2);
});

test('a read that hangs holds no scrape up, and no second one is begun beside it', async () => {
  let reads = 0;
  const { promise, resolve } = Promise.withResolvers<Backlog>();
  const scrape = declared(() => {
    reads += 1;
    return promise;
  });
  assert.deepEqual(await Promise.all([scrape(), scrape()]), [[], []]);
  assert.deepEqual(await scrape(), []);
  assert.equal(reads, 1);
  resolve({ waiting: 1, byQueue: {} });
  assert.deepEqual(await scrape(), ['waiting 1']);
});
