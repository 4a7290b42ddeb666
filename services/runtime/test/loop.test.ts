import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../../../infra/until.ts';
import { createLog } from '../src/log.ts';
import { startLoop } from '../src/loop.ts';

const log = createLog('test', 'silent');
const NEVER_MS = 3_600_000;

/** A loop whose rounds wait for the test. */
function byHand(t: TestContext, everyMs = NEVER_MS) {
  const rounds: { end(): void; fail(): void }[] = [];
  let [atOnce, most] = [0, 0];
  const loop = startLoop({
    name: 'test',
    everyMs,
    log,
    async run() {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise<void>((resolve, reject) =>
        rounds.push({ end: resolve, fail: () => reject(new Error('a bad day')) }),
      ).finally(() => {
        atOnce -= 1;
      });
    },
  });
  t.after(() => {
    for (const { end } of rounds) end();
    return loop.stop();
  });
  const begun = (count: number) => until(`round ${count} has begun`, () => rounds.length >= count);
  return { ...loop, rounds, begun, most: () => most };
}

test('rounds follow each other, never two at once', async (t) => {
  const { rounds, begun, most } = byHand(t, 1);
  for (const count of [1, 2, 3]) {
    await begun(count);
    assert.equal(rounds.length, count);
    rounds.at(-1)?.end();
  }
  assert.equal(most(), 1);
});

test('a kick between rounds begins the next at once, and many during a round one more right after it', async (t) => {
  const { kick, rounds, begun, most } = byHand(t);
  await begun(1);
  for (const _ of [1, 2, 3]) kick();
  assert.equal(rounds.length, 1);
  rounds[0]?.end();
  await begun(2);
  rounds[1]?.end();
  await new Promise(setImmediate);
  assert.equal(rounds.length, 2);
  kick();
  await begun(3);
  assert.equal(most(), 1);
});

test('a round that kicks its own loop before it waits for anything is not overtaken', async (t) => {
  let [rounds, atOnce, most] = [0, 0, 0];
  const loop = startLoop({
    name: 'test',
    everyMs: 1,
    log,
    async run() {
      rounds += 1;
      atOnce += 1;
      most = Math.max(most, atOnce);
      if (rounds > 1 && rounds < 5) loop.kick();
      await new Promise(setImmediate);
      atOnce -= 1;
    },
  });
  t.after(() => loop.stop());
  await until('some rounds have been', () => rounds > 8);
  assert.equal(most, 1);
});

test('a round that fails is tried again after a while, and not at once however it was kicked', async (t) => {
  const { kick, rounds, begun } = byHand(t, 1);
  await begun(1);
  rounds[0]?.fail();
  await begun(2);
  rounds[1]?.end();

  const slow = byHand(t);
  await slow.begun(1);
  slow.kick();
  slow.rounds[0]?.fail();
  await new Promise(setImmediate);
  assert.equal(slow.rounds.length, 1);
  slow.kick();
  await slow.begun(2);
  kick();
});

test('stopping waits for the round that runs, and none follows', async (t) => {
  const { kick, stop, rounds, begun } = byHand(t, 1);
  await begun(1);
  kick();
  let stopped = false;
  const stopping = stop().then(() => {
    stopped = true;
  });
  await new Promise(setImmediate);
  assert.equal(stopped, false);
  rounds[0]?.end();
  await stopping;
  kick();
  await new Promise(setImmediate);
  assert.equal(rounds.length, 1);
});

test('stopping does not wait for ever for a round that hangs', async () => {
  const loop = startLoop({ name: 'test', everyMs: NEVER_MS, log, run: () => new Promise(() => undefined) });
  const began = performance.now();
  const kept = setTimeout(() => undefined, 60_000);
  await loop.stop();
  clearTimeout(kept);
  assert.ok(performance.now() - began < 12_000);
});
