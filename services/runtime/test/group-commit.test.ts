import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupCommit } from '../src/group-commit.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Groups that end when the test says so. */
function byHand() {
  const groups: { items: number[]; end(): void; fail(error: Error): void }[] = [];
  const began: (() => void)[] = [];
  const double = groupCommit<number, number>(1, async (items) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    groups.push({ items, end: resolve, fail: reject });
    for (const notify of began.splice(0)) notify();
    await promise;
    return (item) => item * 2;
  });
  async function groupsAre(count: number) {
    while (groups.length < count) await new Promise<void>((resolve) => began.push(resolve));
    return groups;
  }
  return { double, groups, groupsAre };
}

test('what arrives together is one group, and each caller has its own result', async () => {
  const { double, groupsAre } = byHand();
  const results = Promise.all(numbers(10).map(double));
  const [group] = await groupsAre(1);
  assert.deepEqual(group?.items, numbers(10));
  group?.end();
  assert.deepEqual(
    await results,
    numbers(10).map((n) => n * 2),
  );
});

test('a group that fails fails its own callers, and no others', async () => {
  const { double, groupsAre } = byHand();
  const failing = Promise.allSettled([double(1), double(2)]);
  await groupsAre(1);
  const going = double(3);
  const [first, second] = await groupsAre(2);
  first?.fail(new Error('lost'));
  second?.end();
  assert.deepEqual(
    (await failing).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(await going, 6);
  const next = double(4);
  (await groupsAre(3))[2]?.end();
  assert.equal(await next, 8);
});

test('groups are bounded in size and in number: what is too much waits for a group to end', async () => {
  const { double, groups, groupsAre } = byHand();
  const results = Promise.all(numbers(2_600).map(double));
  await groupsAre(4);
  assert.deepEqual(
    groups.map(({ items }) => items.length),
    [500, 500, 500, 500],
  );
  groups[0]?.end();
  await groupsAre(5);
  assert.equal(groups[4]?.items.length, 500);
  for (const { end } of groups) end();
  (await groupsAre(6))[5]?.end();
  assert.equal((await results).length, 2_600);
});

test('a result may come after its group has ended: the next group need not wait for it', async () => {
  const late = numbers(6).map(() => Promise.withResolvers<number>());
  const call = groupCommit<number, number>(1, async () => (item) => late[item]?.promise ?? -1);
  const results: Promise<number>[] = [];
  for (const item of numbers(6)) {
    results.push(call(item));
    // A call with a result at once ends when the group of the one before it has ended.
    assert.equal(await call(99), -1);
  }
  late.forEach(({ resolve }, i) => {
    resolve(i);
  });
  assert.deepEqual(await Promise.all(results), numbers(6));
});
