// The text of a run: its claims, the table, the sentences and the verdict, true of runs that went well and of others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditResult } from '../../infra/audit/audit.ts';
import type { PathFigures } from '../figures/figures.ts';
import { wrap } from '../figures/format.ts';
import { type Compared, sentences } from '../figures/sentences.ts';
import { claimsOf } from './claims.ts';
import type { DemoResult, PathRun } from './demo.ts';
import { progressLine } from './progress.ts';
import { describeRun, describeSummary, table, verdict } from './report.ts';
import { settings } from './settings.ts';

const queued: PathFigures = {
  offered: 3_000,
  yes: 1_000,
  no: { soldOut: 2_000, busy: 0, tooLate: 0, limit: 0, notOpen: 0 },
  timedOut: 0,
  unknown: 0,
  errors: 0,
  refusedWhileStockLasted: 0,
  confirmedAtLastClick: 108,
  confirmed: 1_000,
  unsold: 0,
  responseMs: { yes: { p50: 41, p95: 404, p99: 404, max: 404 }, no: { p50: 2, p95: 471, p99: 471, max: 471 } },
  clickToFinalMs: { p50: 4_700, p95: 9_200, p99: 9_200, max: 9_200 },
  longestQueue: 925,
  drainedMs: 7_200,
};
const direct: PathFigures = {
  ...queued,
  yes: 387,
  no: { soldOut: 0, busy: 2_613, tooLate: 0, limit: 0, notOpen: 0 },
  refusedWhileStockLasted: 2_613,
  confirmedAtLastClick: 288,
  confirmed: 387,
  unsold: 613,
  // On this path a yes is the result.
  responseMs: { yes: { p50: 963, p95: 1_200, p99: 1_200, max: 1_200 }, no: { p50: 7.4, p95: 55, p99: 55, max: 55 } },
  clickToFinalMs: { p50: 963, p95: 1_200, p99: 1_200, max: 1_200 },
};
const sound: AuditResult = { ok: true, atRest: true, checks: [], inFlight: [], titles: new Map(), notes: [] };

const runOf = (figures: PathFigures, more: Partial<PathRun> = {}): PathRun => ({
  ...{ figures, untrueYes: 0, bankIdleShare: 0.02, lateMs: { p99: 5, max: 30 } },
  audits: { inFlight: sound, atRest: sound },
  ...more,
});
const { units, buyers } = settings.accident;
const small: PathFigures = { ...queued, offered: buyers, yes: units, confirmed: units };
const late = { no: { ...direct.no, busy: 2_600, tooLate: 13 } };
const result: DemoResult = {
  environment: {
    ...{ at: '2026-11-24T10:24:51.456Z', commit: 'e6fcea3', cpu: 'a processor', cores: 2, memoryGiB: 24, os: 'Linux' },
    ...{ node: 'v24.21.0', postgres: '15.18', redis: '7.0.15', rabbitmq: '3.10.8' },
  },
  queued: runOf(queued),
  direct: runOf({ ...direct, ...late }),
  holds: { ended: { confirmed: 100, cancelled: 100, expired: 100 }, reserved: 300, remaining: 200, atRest: sound },
  processes: { gateways: 1, workers: 1 },
  accident: { run: runOf(small), awayMs: 719, victim: 'orders' },
};

/** The subjects of the claims that do not hold. */
const failing = (change: Partial<DemoResult>) =>
  claimsOf({ ...result, ...change }, settings).flatMap((claim) => (claim.ok ? [] : [claim.text.split(':')[0]]));

test('every claim holds for a run that went as it should', () => {
  assert.deepEqual(failing({}), []);
  assert.deepEqual(failing({ direct: runOf(direct) }), []);
});

const queuedBreaches: [string, Partial<PathFigures>, Partial<PathRun>?][] = [
  ['one yes too few', { yes: 999 }],
  ['one unit unsold', { confirmed: 999 }],
  ['a yes that did not hold', {}, { untrueYes: 1 }],
  ['a buyer refused too early', { refusedWhileStockLasted: 1 }],
  ['an error', { errors: 1 }],
  ['an outcome unknown at the end', { unknown: 1 }],
];
const slowNo = { ...direct.responseMs, no: { p50: 506, p95: 900, p99: 900, max: 900 } };
const directBreaches: typeof queuedBreaches = [
  ['a yes that did not hold', {}, { untrueYes: 1 }],
  ['no yes at all', { yes: 0 }],
  ['an idle bank', {}, { bankIdleShare: 0.2 }],
  ['a bank without a charge', {}, { bankIdleShare: null }],
  ['everything sold by the last click', { confirmedAtLastClick: 1_000 }],
  ['a no that is not a 503', { no: { ...direct.no, soldOut: 1 } }],
  ['a slow no', { responseMs: slowNo }],
  ['an error', { errors: 1 }],
];
const accidentBreaches: typeof queuedBreaches = [
  ['an accepted order without a result', { unknown: 1 }],
  ['a yes that did not hold', {}, { untrueYes: 1 }],
  ['a buyer refused too early', { refusedWhileStockLasted: 1 }],
  ['an error', { errors: 1 }],
];
const accident = { awayMs: 1_600 as number | null, victim: 'orders' };
for (const [what, figures, more] of queuedBreaches)
  test(`queued: ${what} breaks exactly one claim`, () =>
    assert.deepEqual(failing({ queued: runOf({ ...queued, ...figures }, more) }), ['queued']));
for (const [what, figures, more] of directBreaches)
  test(`direct: ${what} breaks exactly one claim`, () =>
    assert.deepEqual(failing({ direct: runOf({ ...direct, ...figures }, more) }), ['direct']));
for (const [what, figures, more] of accidentBreaches)
  test(`accident: ${what} breaks exactly one claim`, () => {
    const run = runOf({ ...small, ...figures }, more);
    assert.deepEqual(failing({ accident: { ...accident, run } }), ['kill -9 of orders']);
  });

const { holds } = result;
const holdBreaches: [string, Partial<typeof holds>][] = [
  ['an order that is never reserved', { reserved: 299 }],
  ['a paid order that is not confirmed', { ended: { confirmed: 99, cancelled: 100, expired: 101 } }],
  ['a unit that does not come back', { remaining: null }],
];
for (const [what, change] of holdBreaches)
  test(`hold: ${what} breaks exactly one claim`, () =>
    assert.deepEqual(failing({ holds: { ...holds, ...change } }), ['hold']));

test('accident: a process that does not come back breaks exactly one claim', () => {
  assert.deepEqual(failing({ accident: { ...accident, run: runOf(small), awayMs: null } }), ['kill -9 of orders']);
});

test('an accident that was left out claims nothing', () => {
  assert.equal(claimsOf({ ...result, accident: null }, settings).length, claimsOf(result, settings).length - 3);
});

test('an audit of either path that does not hold breaks its claim', () => {
  const broken = { ...sound, ok: false };
  const inFlight = runOf(direct, { audits: { inFlight: broken, atRest: sound } });
  const atRest = runOf(queued, { audits: { inFlight: sound, atRest: broken } });
  assert.deepEqual(failing({ direct: inFlight }), ['audit in flight, at each last click']);
  assert.deepEqual(failing({ queued: atRest }), ['audit at rest, after each run']);
});

test('a table of huge figures and a progress line fit 80 columns', () => {
  const nothing = { p50: null, p95: null, p99: null, max: null };
  const long = { p50: 12_345, p95: 99_999, p99: 99_999, max: 99_999 };
  const huge = { ...queued, offered: 3_000_000, responseMs: { yes: long, no: nothing } };
  const rows = table({ figures: huge, bankIdleShare: 1 }, { figures: direct, bankIdleShare: null });
  const bank = { charges: 1000, busyMs: 9_000, waiting: 0, inProgress: 0 };
  const sample = { sent: 3000, yes: 1000, refused: 2000, other: 0, atMs: 0, confirmed: 1000, decided: 1000, bank };
  const progress = `  99.9 s  ${progressLine({ name: 'accident', mode: 'queued' }, sample)}`;
  for (const row of [...rows, progress]) assert.ok(row.length <= 80, row);
});

/** Without a line for "Everything stays up", one for the response to Ctrl-C, and one for the prompt. */
const ROOM = 21;
const below = (lines: string[]) => lines.slice(lines.lastIndexOf('') + 1);

test('the summary fits a screen of 80 × 24 together with a prompt', () => {
  const no = { soldOut: 2_000, busy: 18_000, tooLate: 13, limit: 0, notOpen: 0 };
  const huge = { ...direct, no, longestQueue: 1_000_000, refusedWhileStockLasted: 2_000_000 };
  for (const each of [result, { ...result, accident: null }, { ...result, direct: runOf(huge) }]) {
    const lines = below(describeSummary(each, settings));
    assert.ok(lines.length <= ROOM, `${lines.length} lines`);
    for (const line of lines) assert.ok(line.length <= 80, line);
  }
});

test('the lines above it, which scroll away, fit 80 columns too', () => {
  for (const line of describeRun(result, settings)) assert.ok(line.length <= 80, line);
});

test('the footnotes define the final result', () => {
  assert.match(
    describeRun(result, settings).join(' '),
    /Final result .* 201, else the decision in the orders database/,
  );
});

test('a refusal because time was up has its own figure, and is no error', () => {
  const lines = describeSummary(result, settings);
  assert.ok(lines.some((line) => /^ {2}no: sold out · busy · too late +2,000 · 0 · 0 +0 · 2,600 · 13$/.test(line)));
  assert.ok(lines.some((line) => /errors +0 · 0 · 0 +0 · 0 · 0$/.test(line)));
});

/** A row's numbers in one of the columns, summed up. */
function summed(row: string, column: 0 | 1): number {
  const cell = row.trim().split(/ {2,}/).slice(1)[column] ?? '';
  return cell.split(' · ').reduce((sum, number) => sum + Number(number.replaceAll(',', '')), 0);
}

test('the first rows add up to all who clicked: each click is in exactly one row', () => {
  const two = runOf({
    ...direct,
    no: { soldOut: 1, busy: 2_200, tooLate: 13, limit: 2, notOpen: 3 },
    timedOut: 362,
    errors: 32,
    unknown: 5,
  });
  const lines = below(describeSummary({ ...result, direct: two }, settings));
  const rows = lines.slice(
    2,
    lines.findIndex((line) => line.startsWith('refused while')),
  );
  assert.match(lines[0] ?? '', /^of 3,000 who clicked/);
  for (const column of [0, 1] as const) {
    assert.equal(
      rows.map((row) => summed(row, column)).reduce((a, b) => a + b),
      3_000,
    );
  }
  assert.ok(lines.some((line) => /no response in time · errors +0 · 0 · 0 +5 · 362 · 32$/.test(line)));
});

test('the verdict reports the accident, or the claim that does not hold', () => {
  const lastOf = (each: DemoResult) => describeSummary(each, settings).at(-1) ?? '';
  assert.match(lastOf(result), /^✓ all 17 claims above hold; kill -9 of orders lost none of 400 accepted orders$/);
  assert.match(lastOf({ ...result, accident: null }), /^✓ all 14 claims above hold$/);
  const broken = { ...result, queued: runOf({ ...queued, errors: 3 }) };
  assert.equal(lastOf(broken), '✗ 1 of 17 claims above does not hold: queued: no error, nothing unknown');
});

test('the verdict names each claim in full on one line', () => {
  const all = claimsOf(result, settings);
  for (const claim of all) {
    const line = verdict([{ ...claim, ok: false }, ...all.map((other) => ({ ...other, ok: false }))], null);
    assert.ok(line.endsWith(`do not hold, first: ${claim.name}`) && line.length <= 80, line);
  }
});

test('with several workers the report claims that one was killed, not orders', () => {
  const processes = { gateways: 2, workers: 2 };
  const two = { ...result, processes, accident: { run: runOf(small), awayMs: 719, victim: 'a worker' } };
  const report = [...describeRun(two, settings), ...describeSummary(two, settings)];
  for (const line of report) assert.ok(line.length <= 80, line);
  assert.match(report.join('\n'), /^gateways: 2, orders workers: 2, one of each other service$/m);
  assert.match(report.join('\n'), /at most 50 calls in flight per gateway$/m);
  assert.match(report.join('\n'), /^✓ kill -9 of a worker: 0 of 400 accepted orders lost$/m);
  assert.doesNotMatch(report.join('\n'), /orders is killed|kill -9 of orders/);
  assert.doesNotMatch(describeRun(result, settings).join('\n'), /gateways: /);
});

test('settings are left out where they do not apply: of foreign gateways, of an accident left out', () => {
  const text = (each: DemoResult) => describeRun(each, settings).join('\n');
  assert.match(text(result), /^direct: .* at most 100 calls in flight per gateway$/m);
  assert.match(text(result), /^accident: 600 buyers/m);
  assert.doesNotMatch(text({ ...result, accident: null }), /^(direct|accident): (deadline|600)/m);
});

test('an accident that is impossible on a foreign stack is reported as left out', () => {
  const leftOut = (each: DemoResult) => describeRun(each, settings).filter((line) => line.includes('left out'));
  assert.equal(leftOut(result).length, 0);
  assert.equal(leftOut({ ...result, accident: null }).length, 1);
});

const run: Compared = { units: 1_000, chargesPerSecond: 100, queued, direct };
const written = (change: { queued?: Partial<PathFigures>; direct?: Partial<PathFigures>; chargesPerSecond?: number }) =>
  sentences({ ...run, ...change, queued: { ...queued, ...change.queued }, direct: { ...direct, ...change.direct } });

test('a slow bank: the queue keeps what the calls refuse, and its buyers wait', () => {
  assert.deepEqual(sentences(run), [
    'The queue sold all 1,000, though the bank takes 100/s, and refused no click while stock lasted: up to 925 waited, 892 were sold after the last click.',
    'Its price is waiting: a yes came after 41 ms, but half of its buyers knew the result within 4.7 s, 4.9 times the 963 ms of the direct path.',
    'The direct path returned the result in 963 ms, but had no room for 2,613 while stock lasted and 613 were never sold: calls suit a bank that keeps up.',
  ]);
});

test('a bank without a limit: nothing is kept, no click is refused, and calls are the simpler choice', () => {
  const fast = { ...direct, confirmed: 1_000, unsold: 0, refusedWhileStockLasted: 0 };
  const [gave, cost, calls] = written({
    queued: { confirmedAtLastClick: 1_000, clickToFinalMs: { p50: 950, p95: 1_000, p99: 1_000, max: 1_000 } },
    direct: fast,
    chargesPerSecond: 0,
  });
  assert.match(gave ?? '', /had nothing to keep/);
  assert.match(cost ?? '', /^It cost no time/);
  assert.match(calls ?? '', /refused no click while stock lasted: .* calls are the simpler choice/);
});

test('a queue that kept next to nothing gets no praise for it', () => {
  assert.match(written({ queued: { confirmedAtLastClick: 990 } })[0] ?? '', /had little to keep: 10 were sold after/);
});

test('a wait that is less than a tenth longer counts as no difference', () => {
  const within = (p50: number) =>
    written({ queued: { clickToFinalMs: { p50, p95: p50, p99: p50, max: p50 } } })[1] ?? '';
  assert.match(within(1_050), /^It cost no time/);
  assert.match(within(1_070), /^Its price is waiting: .* 1\.1 times the 963 ms/);
});

test('no limit is named where the bank has none', () => {
  assert.match(written({ chargesPerSecond: 0 })[0] ?? '', /^The queue sold all 1,000 and refused no click/);
});

test('a queue that refused a buyer too early is not praised', () => {
  const [gave] = written({ queued: { refusedWhileStockLasted: 7, confirmed: 993 } });
  assert.equal(gave, 'The queue sold 993 of 1,000, but refused 7 while stock lasted.');
});

test('nothing sold on a path: its waiting is left out', () => {
  const nothing = { confirmed: 0, clickToFinalMs: { p50: null, p95: null, p99: null, max: null } };
  assert.match(written({ queued: nothing })[1] ?? '', /cost of the queue is unknown/);
  const [, cost, calls] = written({ direct: nothing });
  assert.match(cost ?? '', /none to compare with/);
  assert.match(calls ?? '', /^The direct path sold nothing/);
});

test('the direct path: sold out in the end, or out of time rather than of room', () => {
  const soldOut = written({ direct: { confirmed: 1_000, unsold: 0 } })[2] ?? '';
  assert.match(soldOut, /sold all 1,000 too .* refused 2,613 while stock lasted: enough/);
  const late = written({ direct: { no: { ...direct.no, busy: 0, tooLate: 2_613 } } })[2] ?? '';
  assert.match(late, /ran out of time for 2,613/);
});

const failures: [Partial<PathFigures>, RegExp][] = [
  [{ timedOut: 362 }, /but 362 got no response in time/],
  [{ errors: 12 }, /but 12 got an error/],
  [{ timedOut: 362, errors: 12 }, /but 374 got no response in time or an error/],
  [{ unknown: 4 }, /but 4 never got a result/],
];

test('a path that left a buyer without a response is not praised for refusing none', () => {
  for (const [failed, what] of failures) {
    const [gave] = written({ queued: failed });
    assert.match(gave ?? '', what);
    assert.doesNotMatch(gave ?? '', /no click/);
    const calls = written({ direct: { ...failed, refusedWhileStockLasted: 0, confirmed: 1_000, unsold: 0 } })[2] ?? '';
    assert.match(calls, what);
    assert.doesNotMatch(calls, /no click|simpler/);
  }
});

test('beside those refused, those without a response are named too', () => {
  const failed = { timedOut: 362, refusedWhileStockLasted: 2_240 };
  assert.equal(
    written({ direct: failed })[2],
    'The direct path returned the result in 963 ms, but had no room for 2,240 while stock lasted, 362 got no response in time and 613 were never sold.',
  );
  assert.equal(
    written({ queued: { ...failed, confirmed: 993 } })[0],
    'The queue sold 993 of 1,000, but refused 2,240 while stock lasted and 362 got no response in time.',
  );
});

test('each sentence takes at most two lines, whatever happened', () => {
  const runs = [{}, ...failures.map(([failed]) => failed)].flatMap((failed) =>
    [0, 2_613].flatMap((refusedWhileStockLasted) =>
      [0, 613].map((unsold) => ({ ...failed, refusedWhileStockLasted, unsold, confirmed: 1_000 - unsold })),
    ),
  );
  for (const figures of runs) {
    for (const sentence of written({ queued: figures, direct: figures })) {
      const lines = wrap(sentence, 80);
      assert.ok(lines.length <= 2 && lines.every((line) => line.length <= 80), sentence);
      assert.equal(lines.join(' '), sentence);
    }
  }
});
