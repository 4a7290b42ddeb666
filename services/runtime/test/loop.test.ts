import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { seriesValue } from '../../../infra/testbed/metrics.ts';
import { until } from '../../../infra/until.ts';
import { createLog } from '../src/log.ts';
import { startLoop } from '../src/loop.ts';

const log = createLog('test', 'silent');
const NEVER_MS = 3_600_000;

/** A loop whose runs wait for the test. */
function byHand(t: TestContext, everyMs = NEVER_MS) {
  const runs: { end(): void; fail(): void }[] = [];
  const registry = new Registry();
  let [atOnce, most] = [0, 0];
  const loop = startLoop({
    name: 'test',
    everyMs,
    log,
    registry,
    async run() {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise<void>((resolve, reject) =>
        runs.push({ end: resolve, fail: () => reject(new Error('a bad day')) }),
      ).finally(() => {
        atOnce -= 1;
      });
    },
  });
  t.after(() => {
    for (const { end } of runs) end();
    return loop.stop();
  });
  const begun = (count: number) => until(`run ${count} has begun`, () => runs.length >= count);
  return { ...loop, runs, begun, most: () => most, registry };
}

test('runs follow each other, never two at once', async (t) => {
  const { runs, begun, most } = byHand(t, 1);
  for (const count of [1, 2, 3]) {
    await begun(count);
    assert.equal(runs.length, count);
    runs.at(-1)?.end();
  }
  assert.equal(most(), 1);
});

test('a kick between runs begins the next at once, and many during a run one more right after it', async (t) => {
  const { kick, runs, begun, most } = byHand(t);
  await begun(1);
  for (const _ of [1, 2, 3]) kick();
  assert.equal(runs.length, 1);
  runs[0]?.end();
  await begun(2);
  runs[1]?.end();
  await new Promise(setImmediate);
  assert.equal(runs.length, 2);
  kick();
  await begun(3);
  assert.equal(most(), 1);
});

test('a run that kicks its own loop before it waits for anything is not overtaken', async (t) => {
  let [runs, atOnce, most] = [0, 0, 0];
  const loop = startLoop({
    name: 'test',
    everyMs: 1,
    log,
    registry: new Registry(),
    async run() {
      runs += 1;
      atOnce += 1;
      most = Math.max(most, atOnce);
      if (runs > 1 && runs < 5) loop.kick();
      await new Promise(setImmediate);
      atOnce -= 1;
    },
  });
  t.after(() => loop.stop());
  await until('some runs have been', () => runs > 8);
  assert.equal(most, 1);
});

test('a run that fails is tried again after a while, and not at once however it was kicked', async (t) => {
  const { kick, runs, begun } = byHand(t, 1);
  await begun(1);
  runs[0]?.fail();
  await begun(2);
  runs[1]?.end();

  const slow = byHand(t);
  await slow.begun(1);
  slow.kick();
  slow.runs[0]?.fail();
  await new Promise(setImmediate);
  assert.equal(slow.runs.length, 1);
  slow.kick();
  await slow.begun(2);
  kick();
});

test('runs are counted by their result, and the end of the last good one is kept', async (t) => {
  const { kick, runs, begun, registry } = byHand(t);
  const counted = (result: string) => seriesValue(registry, `job_runs_total{job="test",result="${result}"}`);
  const lastSuccess = () => seriesValue(registry, 'job_last_success_timestamp_seconds{job="test"}');
  assert.deepEqual([await counted('done'), await counted('failed'), await lastSuccess()], [0, 0, 0]);
  await begun(1);
  runs[0]?.fail();
  await until('the failure is counted', async () => (await counted('failed')) === 1);
  assert.equal(await lastSuccess(), 0);
  const before = Date.now() / 1_000;
  kick();
  await begun(2);
  runs[1]?.end();
  await until('the success is counted', async () => (await counted('done')) === 1);
  const at = Number(await lastSuccess());
  assert.ok(at >= before && at <= Date.now() / 1_000, `${at - before} s after the kick`);
  assert.equal(await counted('failed'), 1);
});

test('stopping waits for the run that runs, and none follows', async (t) => {
  const { kick, stop, runs, begun } = byHand(t, 1);
  await begun(1);
  kick();
  let stopped = false;
  const stopping = stop().then(() => {
    stopped = true;
  });
  await new Promise(setImmediate);
  assert.equal(stopped, false);
  runs[0]?.end();
  await stopping;
  kick();
  await new Promise(setImmediate);
  assert.equal(runs.length, 1);
});

test('stopping does not wait for ever for a run that hangs', async () => {
  const loop = startLoop({
    name: 'test',
    everyMs: NEVER_MS,
    log,
    registry: new Registry(),
    run: () => new Promise(() => undefined),
  });
  const began = performance.now();
  const kept = setTimeout(() => undefined, 60_000);
  await loop.stop();
  clearTimeout(kept);
  assert.ok(performance.now() - began < 12_000);
});
