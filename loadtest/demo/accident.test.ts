import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStrike } from './accident.ts';
import type { RoadRun } from './road.ts';

const tallies = (yes: number) => ({ sent: yes, yes, refused: 0, other: 0 });
const quiet = { tally: () => undefined, stop: async () => undefined };
const run = {} as RoadRun;

function strikeOn(kill: () => Promise<void>, withinMs = 60_000) {
  const marks: string[] = [];
  const strike = createStrike({
    processes: { kill },
    killedAtYes: 60,
    withinMs,
    say: () => undefined,
    mark: (text) => marks.push(text),
  });
  return { strike, watch: strike.watch(quiet), marks };
}

test('orders is killed once, when enough have been told yes, and what is told meanwhile is counted', async () => {
  const back = Promise.withResolvers<void>();
  let kills = 0;
  const { strike, watch, marks } = strikeOn(() => {
    kills += 1;
    return back.promise;
  });
  for (const yes of [0, 59]) watch.tally(tallies(yes));
  assert.equal(kills, 0);
  for (const yes of [75, 90, 130]) watch.tally(tallies(yes));
  back.resolve();
  const { yesBefore, yesMeanwhile, awayMs } = await strike.outcome(run);
  assert.deepEqual([kills, yesBefore, yesMeanwhile], [1, 75, 55]);
  assert.ok(awayMs !== null);
  assert.deepEqual(marks, ['orders killed', 'orders back']);
});

test('a service that does not come back is waited for no longer than agreed', async () => {
  const { strike, watch } = strikeOn(() => new Promise(() => undefined), 20);
  watch.tally(tallies(60));
  assert.equal((await strike.outcome(run)).awayMs, null);
});

test('a crowd that ends before anybody was killed has had no accident', async () => {
  const { strike, watch } = strikeOn(async () => undefined);
  watch.tally(tallies(59));
  assert.equal((await strike.outcome(run)).awayMs, null);
});
