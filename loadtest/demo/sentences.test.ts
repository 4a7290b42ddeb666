// What the table says of itself must be true of other runs too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RoadFigures } from '../figures/figures.ts';
import { wrap } from '../figures/format.ts';
import { direct, queued } from './example.ts';
import { type Compared, sentences } from './sentences.ts';

const run: Compared = { units: 1_000, chargesPerSecond: 100, queued, direct };
const said = (change: { queued?: Partial<RoadFigures>; direct?: Partial<RoadFigures>; chargesPerSecond?: number }) =>
  sentences({ ...run, ...change, queued: { ...queued, ...change.queued }, direct: { ...direct, ...change.direct } });

test('a slow bank: the queue keeps what the calls turn away, and its buyers wait', () => {
  assert.deepEqual(sentences(run), [
    'The queue sold all 1,000, though the bank takes 100/s, and turned nobody away while a unit was left: up to 925 waited, 892 were sold after the crowd left.',
    'Its price is waiting: a yes came after 41 ms, but half of its buyers knew the result within 4.7 s, 4.9 times the 963 ms of the direct road.',
    'The direct road told the result in 963 ms, but had no room for 2,613 while a unit was left and 613 were never sold: calls suit a bank that keeps up.',
  ]);
});

test('a bank without a limit: nothing is kept, nobody is turned away, and calls are the simpler choice', () => {
  const fast = { ...direct, confirmed: 1_000, unsold: 0, turnedAwayWhileUnsold: 0 };
  const [gave, cost, calls] = said({
    queued: { confirmedWhenCrowdLeft: 1_000, clickToFinalMs: { p50: 950, p95: 1_000, p99: 1_000, max: 1_000 } },
    direct: fast,
    chargesPerSecond: 0,
  });
  assert.match(gave ?? '', /had nothing to keep/);
  assert.match(cost ?? '', /^It cost nobody time/);
  assert.match(calls ?? '', /turned nobody away while a unit was left: .* calls are the simpler choice/);
});

test('no limit is named where the bank has none', () => {
  assert.match(said({ chargesPerSecond: 0 })[0] ?? '', /^The queue sold all 1,000 and turned nobody away/);
});

test('a queue that turned somebody away is not praised', () => {
  const [gave] = said({ queued: { turnedAwayWhileUnsold: 7, confirmed: 993 } });
  assert.equal(gave, 'The queue sold 993 of 1,000, but it turned 7 away while a unit was left.');
});

test('nothing sold on a road: nothing is said of its waiting', () => {
  const nothing = { confirmed: 0, clickToFinalMs: { p50: null, p95: null, p99: null, max: null } };
  assert.match(said({ queued: nothing })[1] ?? '', /cannot be said/);
  const [, cost, calls] = said({ direct: nothing });
  assert.match(cost ?? '', /nobody got one/);
  assert.match(calls ?? '', /^The direct road sold nothing/);
});

test('the direct road: sold out in the end, or out of time rather than of room', () => {
  const soldOut = said({ direct: { confirmed: 1_000, unsold: 0 } })[2] ?? '';
  assert.match(soldOut, /sold all 1,000 too .* refused 2,613 while a unit was left: enough/);
  const late = said({ direct: { no: { ...direct.no, busy: 0, tooLate: 2_613 } } })[2] ?? '';
  assert.match(late, /ran out of time for 2,613/);
});

const failures: [Partial<RoadFigures>, RegExp][] = [
  [{ unanswered: 362 }, /but 362 got no answer in time/],
  [{ errors: 12 }, /but 12 got an error/],
  [{ unanswered: 362, errors: 12 }, /but 374 got no answer in time or an error/],
  [{ unknown: 4 }, /but 4 never got a result/],
];

test('a road that left somebody without an answer is not praised for turning nobody away', () => {
  for (const [failed, what] of failures) {
    const [gave] = said({ queued: failed });
    assert.match(gave ?? '', what);
    assert.doesNotMatch(gave ?? '', /nobody/);
    const calls = said({ direct: { ...failed, turnedAwayWhileUnsold: 0, confirmed: 1_000, unsold: 0 } })[2] ?? '';
    assert.match(calls, what);
    assert.doesNotMatch(calls, /nobody|simpler/);
  }
});

test('beside those turned away, those without an answer are named too', () => {
  const failed = { unanswered: 362, turnedAwayWhileUnsold: 2_240 };
  assert.equal(
    said({ direct: failed })[2],
    'The direct road told the result in 963 ms, but had no room for 2,240 while a unit was left, 362 got no answer in time and 613 were never sold.',
  );
  assert.equal(
    said({ queued: { ...failed, confirmed: 993 } })[0],
    'The queue sold 993 of 1,000, but it turned 2,240 away while a unit was left and 362 got no answer in time.',
  );
});

test('each sentence takes at most two lines, whatever happened', () => {
  const runs = [{}, ...failures.map(([failed]) => failed)].flatMap((failed) =>
    [0, 2_613].flatMap((turnedAwayWhileUnsold) =>
      [0, 613].map((unsold) => ({ ...failed, turnedAwayWhileUnsold, unsold, confirmed: 1_000 - unsold })),
    ),
  );
  for (const figures of runs) {
    for (const sentence of said({ queued: figures, direct: figures })) {
      const lines = wrap(sentence, 80);
      assert.ok(lines.length <= 2 && lines.every((line) => line.length <= 80), sentence);
      assert.equal(lines.join(' '), sentence);
    }
  }
});
