// From runs to the report: figures with their spread, when they do not count, its words, and the pages that quote it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Order } from '../../infra/clients/shop.ts';
import type { PathFigures } from '../figures/figures.ts';
import { wordsOf } from '../figures/sentences.ts';
import { chart, timelineOf } from './chart.ts';
import { figure, html, markdown } from './markdown.ts';
import { type Case, CONFIGURATION, type Evidence, type Mode, orderOf, type Plan, planOf, whyInvalid } from './plan.ts';
import { COMMITTED, costRows, readCommitted, resultRows } from './readme.ts';
import { factsOf, type Ran, type RunFacts, type TimedClick } from './run.ts';
import { METRICS, type Measured, spreadOf, summaryOf } from './summary.ts';

const sizes = { units: 400, buyers: 1_200, seconds: 2, chargesPerSecond: 100 };
const plan: Plan = {
  runs: 3,
  cases: [
    { name: 'peak', title: 'more than the bank takes', ...sizes },
    { name: 'calm', title: 'less than the bank takes', ...sizes, units: 200, buyers: 200, chargesPerSecond: 1_000 },
  ],
};

const wait = (p50: number) => ({ p50, p95: p50 * 2, p99: p50 * 3, max: p50 * 4 });
const NONE = { soldOut: 0, busy: 0, tooLate: 0, limit: 0, notOpen: 0 };

const base: PathFigures = {
  offered: 1_200,
  yes: 400,
  no: { ...NONE, soldOut: 800 },
  timedOut: 0,
  unknown: 0,
  errors: 0,
  refusedWhileStockLasted: 0,
  confirmedAtLastClick: 180,
  confirmed: 400,
  unsold: 0,
  responseMs: { yes: wait(5), no: wait(1) },
  clickToFinalMs: wait(1_500),
  longestQueue: 260,
  drainedMs: 2_200,
};
const refused = { yes: 260, no: { ...NONE, busy: 940 }, refusedWhileStockLasted: 940 };
const FIGURES: Record<Case['name'], Record<Mode, PathFigures>> = {
  peak: {
    queued: base,
    direct: {
      ...base,
      ...refused,
      confirmed: 260,
      unsold: 140,
      responseMs: { yes: wait(900), no: wait(2) },
      drainedMs: 800,
    },
  },
  calm: {
    queued: { ...base, offered: 200, yes: 200, no: NONE, confirmed: 200, drainedMs: 200 },
    direct: { ...base, offered: 200, yes: 200, no: NONE, confirmed: 200, responseMs: { yes: wait(70), no: wait(0) } },
  },
};
const DECIDED: Record<Case['name'], Record<Mode, number>> = {
  peak: { queued: 1_500, direct: 890 },
  calm: { queued: 200, direct: 68 },
};
const CPU = { gateway: 0.8, orders: 0.6, inventory: 0.2, payment: 0.4, postgres: 0.7, redis: 0.1, rabbitmq: 0.5 };

const madeUp = (name: Case['name'], mode: Mode, nth: number): RunFacts => ({
  figures: FIGURES[name][mode],
  rates: { offered: 600, yes: 190, burst: 90, end: 400 / 4.2, bank: FIGURES[name][mode].confirmed / 4 },
  // A little slower from run to run, so that there is a spread.
  clickToDecidedMs: wait(DECIDED[name][mode] + nth),
  cpuSeconds: { ...CPU, bank: 0.2, k6: 1.5 },
});

const runs: Ran[] = [1, 2, 3].flatMap((nth) =>
  (['peak', 'calm'] as const).flatMap((name) =>
    (['queued', 'direct'] as const).map((mode) => ({
      ...{ case: name, mode, nth, facts: madeUp(name, mode, nth), invalid: [] },
      ...{ timeline: [], k6Summary: {} },
      audit: { checks: 31, holding: 31 },
      k6: { dropped: 0, lateMs: { p99: 3, max: 12 } },
    })),
  ),
);

const measured: Measured = {
  command: 'npm run loadtest -- --quick',
  environment: {
    ...{ at: '2026-11-25T02:00:00.000Z', commit: '1234567', cpu: 'a processor', cores: 2, memoryGiB: 24, os: 'Linux' },
    ...{ node: 'v24.21.0', postgres: '15.18', redis: '7.0.15', rabbitmq: '3.10.8', k6: '1.8.1' },
  },
  configuration: { ...CONFIGURATION, runs: plan.runs },
};

const click = (more: Partial<TimedClick> = {}): TimedClick => ({
  ...{ dueAt: 1_000, lateMs: 0, responseMs: 5, respondedAt: 1_005, status: 202, timedOut: false },
  ...{ problem: null, reason: null, orderId: null },
  ...more,
});

test('a figure is the middle run, with the least and the most, and every run is kept', () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3, runs: [3, 1, 2] });
  assert.deepEqual(spreadOf([4, 1]), { median: 2.5, min: 1, max: 4, runs: [4, 1] });
});

test('a figure that one run lacks is missing for all: a median of fewer runs would pass for one of all', () => {
  assert.deepEqual(spreadOf([3, null]), { median: null, min: null, max: null, runs: [3, null] });
});

test('every case has every figure on both paths, each under a name of its own', () => {
  const { cases } = summaryOf(measured, plan, runs);
  assert.equal(new Set(METRICS.map(([key]) => key)).size, METRICS.length);
  assert.deepEqual(
    cases.map(({ name }) => name),
    ['peak', 'calm'],
  );
  for (const { modes } of cases)
    for (const mode of [modes.queued, modes.direct]) {
      assert.deepEqual(
        Object.keys(mode),
        METRICS.map(([key]) => key),
      );
      for (const { runs } of Object.values(mode)) assert.equal(runs.length, 3);
    }
});

const metric = (key: string) => METRICS.find(([known]) => known === key)?.[3] ?? assert.fail(key);

test('rates are worked out from the clicks and the orders of one run', () => {
  const turn = {
    nth: 1,
    mode: 'queued' as const,
    case: { ...(plan.cases[0] as Case), units: 2, buyers: 4, seconds: 2 },
  };
  const ids = ['a', 'b', null, null];
  // Due each half second; the second yes comes after the last click.
  const burst = ids.map((orderId, i) =>
    click({ orderId, dueAt: 1_000 + i * 500, respondedAt: 1_010 + i * 2_000, status: orderId ? 202 : 410 }),
  );
  const order = (orderId: string, decidedAt: number): [string, Order] => [
    orderId,
    { orderId, status: 'confirmed', createdAt: 1_000, decidedAt },
  ];
  const { rates, clickToDecidedMs } = factsOf(turn, burst, new Map([order('a', 2_500), order('b', 4_500)]), 100);
  assert.deepEqual(rates, { offered: 2, yes: 0.5, burst: 0.5, end: 0.5, bank: 100 });
  assert.deepEqual([clickToDecidedMs.p50, clickToDecidedMs.max], [1_500, 3_000]);
});

test('final results and CPU time are worked out from one run each', () => {
  const valueIn = (key: string) => metric(key)(madeUp('peak', 'queued', 1));
  assert.equal(valueIn('clickToFinalMs.p50'), 1_501);
  assert.equal(valueIn('cpuMsPerConfirmed.gateway'), 2);
  assert.equal(Math.round((valueIn('cpuMsPerConfirmed.total') ?? 0) * 100), 825, 'without bank and load');
});

test('CPU time that cannot be read is not written as none', () => {
  const total = metric('cpuMsPerConfirmed.total');
  const facts = madeUp('peak', 'queued', 1);
  assert.equal(total({ ...facts, cpuSeconds: { gateway: 1 } }), null);
  assert.equal(total({ ...facts, figures: { ...facts.figures, confirmed: 0 } }), null);
});

test('each path runs at least five times, and which one goes first alternates', () => {
  for (const plan of [planOf(false), planOf(true)]) {
    assert.ok(plan.runs >= 5);
    const turns = orderOf(plan);
    assert.equal(turns.length, plan.runs * plan.cases.length * 2);
    const peak = turns.filter((turn) => turn.case.name === 'peak').map(({ mode }) => mode);
    assert.deepEqual(peak.slice(0, 4), ['queued', 'direct', 'direct', 'queued']);
  }
});

const sound: Evidence = {
  ...{ exitCode: 0, dropped: 0, buyers: 9, clicks: 9, lateMs: { p99: 4 } },
  ...{ deaths: [], undecided: 0, audit: { ok: true, checks: [] } },
};
const failing = { name: 'money', ok: false, left: 1, right: 2, terms: [2], differing: [], parts: [] };

const reasons = (evidence: Evidence) =>
  whyInvalid(evidence)
    .map(({ whose, why }) => `${whose}: ${why}`)
    .join();

test('a run counts unless k6 was late, dropped or ended early, or the audit found a difference', () => {
  assert.deepEqual(whyInvalid(sound), []);
  assert.match(reasons({ ...sound, dropped: 2 }), /^load: .*dropped 2 iterations/);
  assert.match(reasons({ ...sound, lateMs: { p99: 101 } }), /^load: .*generator was saturated/);
  assert.match(reasons({ ...sound, clicks: 8 }), /^load: .*8 clicks were made of 9/);
  assert.match(reasons({ ...sound, exitCode: 99 }), /^shop: .*threshold/);
  assert.match(reasons({ ...sound, exitCode: 107 }), /^shop: .*code 107/);
  assert.match(reasons({ ...sound, deaths: ['orders'] }), /^shop: orders ended in the middle/);
  assert.match(reasons({ ...sound, undecided: 3 }), /^shop: 3 orders had no final result/);
  assert.match(reasons({ ...sound, audit: { ok: false, checks: [failing] } }), /^shop: .*difference: money/);
});

test('a threshold that an incomplete load crosses is not put down to the shop', () => {
  assert.equal(reasons({ ...sound, exitCode: 99, dropped: 2 }), 'load: k6 dropped 2 iterations');
  assert.equal(reasons({ ...sound, exitCode: 99, clicks: 8 }), 'load: 8 clicks were made of 9');
  assert.match(reasons({ ...sound, exitCode: 99, lateMs: { p99: 101 } }), /shop: a threshold/);
});

test('one run that does not count makes the whole invalid, and is named', () => {
  const [first, ...others] = runs;
  assert.ok(first);
  const late = { ...first, invalid: [{ whose: 'load' as const, why: 'k6 dropped 2 iterations' }] };
  const { valid, invalid } = summaryOf(measured, plan, [late, ...others]);
  assert.equal(valid, false);
  assert.deepEqual(invalid, ['peak, queued, run 1: k6 dropped 2 iterations']);
});

const summary = summaryOf(measured, plan, runs);
const orders = new Map<string, Order>([
  ['a', { orderId: 'a', status: 'confirmed', createdAt: 1_002, decidedAt: 1_150 }],
  ['b', { orderId: 'b', status: 'rejected', createdAt: 1_052, decidedAt: 1_200 }],
]);
const clicks = [
  click({ orderId: 'a' }),
  click({ dueAt: 1_050, respondedAt: 1_055, orderId: 'b' }),
  click({ dueAt: 1_100, respondedAt: 1_101, status: 410, problem: 'sold-out' }),
];
const timeline = timelineOf(clicks, orders);
const drawn = await chart(plan.cases[0] as Case, { queued: [timeline, timeline], direct: [timeline] });
const written = markdown(summary);
const page = html(written, { 'peak.svg': drawn, 'calm.svg': drawn });

test('the timeline counts clicked, accepted, confirmed and waiting orders', () => {
  const at = (seconds: number) =>
    ['clicked', 'accepted', 'confirmed', 'waiting'].map(
      (name) => timeline.findLast((point) => point.curve.startsWith(name) && point.seconds <= seconds)?.orders,
    );
  assert.deepEqual(at(0), [1, 0, 0, 0]);
  assert.deepEqual(at(0.06), [2, 2, 0, 2]);
  assert.deepEqual(at(0.15), [3, 2, 1, 1]);
  assert.deepEqual(at(0.2), [3, 2, 1, 0]);
});

test('a chart has four curves for each run of each path, on axes with units that the paths share', () => {
  assert.equal(
    drawn.match(/<path aria-label="line mark|<path [^>]*stroke="#(8b949e|2da44e|0969da|e16f24)"/g)?.length,
    12 + 4,
  );
  for (const text of [
    'seconds since the first click',
    'orders',
    'queued: a message waits',
    '400 units',
    '1 sold, 399 never',
  ])
    assert.ok(drawn.includes(`>${text}<`), text);
  assert.doesNotMatch(drawn, /NaN|Infinity|undefined/);
  assert.match(drawn, /<rect [^>]*fill="white"/);
});

test('the page loads nothing: the pictures stand in it', () => {
  assert.equal(page.match(/<svg /g)?.length, 2);
  assert.doesNotMatch(page, /(src|href|url)\s*[=(]/i);
  assert.doesNotMatch(page.replace(/xmlns(:xlink)?="[^"]+"/g, ''), /https?:|<script|@import/i);
});

test('the report has every figure of both paths with its spread, every run, and where it was measured', () => {
  for (const [, label] of METRICS) assert.ok(written.includes(`| ${label} |`), label);
  assert.match(written, /\| click to final result, p50 \| 1\.5 s \| 892 ms \(891 ms … 893 ms\) \|/);
  assert.match(written, /!\[[^\]]+\]\(peak\.svg\)/);
  assert.match(written, /calm, direct, run 3 \| 31 of 31/);
  assert.match(written, /2 × a processor, 24 GiB/);
  assert.match(written, /direct: deadline 2000 ms, at most 100 calls in flight/);
  assert.match(written, /All 12 runs count/);
  assert.match(page, /<td align="right">892 ms \(891 ms … 893 ms\)<\/td>/);
});

test('a report of runs that do not count begins with the reason', () => {
  const bad = html(markdown({ ...summary, valid: false, invalid: ['peak, queued, run 1: <odd>'] }), {});
  assert.ok(bad.indexOf('do not count') < bad.indexOf('<h2'));
  assert.match(bad, /&lt;odd&gt;/);
});

test('a figure is written with its unit', () => {
  assert.equal(figure(1_234, 'count'), '1,234');
  assert.equal(figure(99.44, 'perSecond'), '99.4/s');
  assert.equal(figure(1_000.4, 'perSecond'), '1,000/s');
  assert.equal(figure(1_234, 'ms'), '1.2 s');
  assert.equal(figure(1.234, 'cpuMs'), '1.23 ms');
  assert.equal(figure(null, 'ms'), '–');
});

test('the words are made of the medians: the gain, the cost, and where the queue does not help', () => {
  const { gives, costs, noHelp } = wordsOf(summary);
  assert.match(
    gives[0] ?? '',
    /sold all 400, though the bank takes 100\/s, and refused no click .* 220 were sold after/,
  );
  assert.match(gives[1] ?? '', /direct path .* had no room for 940 while stock lasted and 140 were never sold/);
  assert.match(gives[2] ?? '', /came sooner with the queue: a yes came after 5\.0 ms .* directly after 900 ms/);
  assert.match(costs[0] ?? '', /price is waiting: .* within 1\.5 s, 1\.7 times the 892 ms/);
  assert.match(costs[1] ?? '', /8\.3 ms of CPU time, a direct one 12\.7 ms/);
  assert.match(noHelp[0] ?? '', /^Below capacity \(100\/s at a bank that takes 1,000\/s\): The queue sold all 200/);
  assert.match(noHelp[1] ?? '', /within 202 ms, 2\.9 times the 70 ms of the direct path/);
  assert.match(noHelp[2] ?? '', /refused no click .* calls are the simpler choice/);
});

test('words do not praise what the figures do not show', () => {
  const swapped = runs.map((run) => {
    const facts = run.mode === 'direct' ? madeUp(run.case, 'queued', 1) : madeUp(run.case, 'direct', 1);
    return { ...run, facts };
  });
  const { gives, costs, noHelp } = wordsOf(summaryOf(measured, plan, swapped));
  assert.match(gives[0] ?? '', /^The queue sold 260 of 400, but refused 940 while/);
  assert.match(gives[2] ?? '', /not clearly faster with the queue/);
  assert.match(costs[0] ?? '', /^It cost no time/);
  assert.match(noHelp[1] ?? '', /^It cost no time/);
});

test('one run in which the queue refused a buyer too early is enough for no praise', () => {
  const [first, ...others] = runs as [Ran, ...Ran[]];
  const figures = { ...first.facts.figures, refusedWhileStockLasted: 3, confirmed: 399, unsold: 1 };
  const failed = { ...first, facts: { ...first.facts, figures } };
  const { gives } = wordsOf(summaryOf(measured, plan, [failed, ...others]));
  assert.equal(gives[0], 'The queue sold 399 of 400, but refused 3 while stock lasted.');
});

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const committed = readCommitted();

/** The rows below a heading of a table; each without its label, which is in another language on one of the pages. */
function figuresIn(page: string, heading: RegExp): string[][] | undefined {
  const [table] =
    read(page)
      .split(heading)[1]
      ?.match(/^\n?(\|.*\|\n)+/) ?? [];
  const cells = (row: string) => row.split('|').slice(2, -1);
  return table
    ?.trim()
    .split('\n')
    .slice(1)
    .map((row) => cells(row).map((each) => each.trim()));
}
const figures = (rows: string[][]) => rows.map(([, ...each]) => each);

test('the table of docs/load-tests.md is that of the committed report', () => {
  assert.deepEqual(figuresIn('docs/load-tests.md', /^\| *\| queued *\| direct *\|$/m), figures(costRows(committed)));
});

for (const page of ['README.md', 'README.zh-CN.md'])
  test(`the three rows of result of ${page} are those of the committed report, and its commit is named`, () => {
    assert.deepEqual(figuresIn(page, /^\| *\| queued[^|]*\| direct[^|]*\|$/m), figures(resultRows(committed)));
    assert.ok(readFileSync(join(ROOT, page), 'utf8').includes(committed.environment.commit as string));
  });

test('the committed report counts, and is one of the full comparison at a commit that is named', () => {
  assert.equal(committed.valid, true);
  assert.equal(committed.command, 'npm run loadtest');
  assert.match(committed.environment.commit ?? '', /^[0-9a-f]{7,}$/);
});

test('the committed report has the same figures as Markdown and as a page, in six files', () => {
  const folder = dirname(join(ROOT, COMMITTED));
  const [report, page] = ['report.md', 'report.html'].map((name) => readFileSync(join(folder, name), 'utf8'));
  assert.ok(report?.includes(committed.environment.at) && page?.includes(committed.environment.at));
  for (const [label, ...figures] of costRows(committed))
    for (const figure of figures)
      assert.ok(report?.includes(`| ${figure} |`) && page?.includes(`>${figure}</td>`), `${label}: ${figure}`);
  assert.ok(readdirSync(folder).length <= 6);
});
