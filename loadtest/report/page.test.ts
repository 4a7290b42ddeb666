// The page and its words: made of the run's own figures, open from disk, and honest when the figures are not as expected.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../../infra/clients/shop.ts';
import { chart, niceTicks } from './chart.ts';
import { click, factsOf, told } from './example.ts';
import { figure, html } from './html.ts';
import { METRICS } from './metrics.ts';
import { summaryOf } from './summary.ts';
import { timelineOf } from './timeline.ts';
import { wordsOf } from './words.ts';

const summary = summaryOf(told);
const orders = new Map<string, Order>([
  ['a', { orderId: 'a', status: 'confirmed', createdAt: 1_002, decidedAt: 1_150 }],
  ['b', { orderId: 'b', status: 'rejected', createdAt: 1_052, decidedAt: 1_200 }],
]);
const clicks = [
  click({ orderId: 'a' }),
  click({ dueAt: 1_050, answeredAt: 1_055, orderId: 'b' }),
  click({ dueAt: 1_100, answeredAt: 1_101, status: 410, problem: 'sold-out' }),
];
const timeline = timelineOf({ clicks, orders });
const drawn = chart([
  { title: 'queued', runs: [timeline, timeline] },
  { title: 'direct', runs: [timeline] },
]);
const charts = { peak: drawn, calm: drawn };
const page = html(summary, charts);

test('the time line counts who had clicked, been told yes, bought, and who was in line', () => {
  const { stepMs, arrivals, yes, confirmed, line } = timeline;
  assert.equal(stepMs, 1);
  const at = (ms: number) => [arrivals[ms], yes[ms], confirmed[ms], line[ms]];
  assert.deepEqual(at(0), [1, 0, 0, 0]);
  assert.deepEqual(at(60), [2, 2, 0, 2]);
  assert.deepEqual(at(150), [3, 2, 1, 1]);
  assert.deepEqual(at(200), [3, 2, 1, 0]);
});

test('axes begin at nothing, end above the most, and have round steps', () => {
  assert.deepEqual(niceTicks(1_200), [0, 500, 1_000, 1_500]);
  assert.deepEqual(niceTicks(10.4), [0, 5, 10, 15]);
  assert.deepEqual(niceTicks(0.4), [0, 0.1, 0.2, 0.3, 0.4]);
  assert.ok(niceTicks(0).length >= 2);
});

test('a chart has four curves for each run of each road, on axes that the roads share', () => {
  assert.equal(drawn.match(/<polyline /g)?.length, 12);
  assert.equal(drawn.match(/>clicked</g)?.length, 2);
  assert.doesNotMatch(drawn, /NaN|Infinity|undefined/);
});

test('the page asks nobody for anything', () => {
  assert.doesNotMatch(page, /(src|href|url)\s*[=(]/i);
  const names = page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '');
  assert.doesNotMatch(names, /https?:|<script|@import/i);
});

test('the page tells every figure of both roads with its spread, every run, and where it was measured', () => {
  for (const { label } of METRICS) assert.ok(page.includes(`<td>${label}</td>`), label);
  assert.match(page, /<td>click to final result, p50<\/td><td>1\.5 s<\/td><td>892 ms \(891 ms … 893 ms\)<\/td>/);
  assert.equal(page.match(/<svg /g)?.length, 2);
  assert.match(page, /calm, direct, run 3<\/td><td>31 of 31/);
  assert.match(page, /2 × a processor, 24 GiB/);
  assert.match(page, /direct: deadline 2000 ms, at most 100 calls in flight/);
  assert.match(page, /All 12 runs count/);
});

test('a page of runs that do not count says so before anything else', () => {
  const bad = html({ ...summary, valid: false, invalid: ['peak, queued, run 1: <odd>'] }, charts);
  assert.ok(bad.indexOf('do not count') < bad.indexOf('What the queue gives'));
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

test('the words are made of the medians: what the queue gives, what it costs, where it does not help', () => {
  const { gives, costs, noHelp } = wordsOf(summary);
  assert.match(gives[0] ?? '', /turned nobody away .* sold 400 of 400 units .* turned 940 away and sold 260/);
  assert.match(gives[1] ?? '', /stayed fast: a yes came after 5\.0 ms .* directly after 900 ms/);
  assert.match(gives[2] ?? '', /took 100\/s of its 100\/s .* 220 were sold after/);
  assert.match(costs[0] ?? '', /came later: .* after 1\.5 s, directly after 892 ms, a factor of 1\.7/);
  assert.match(costs[1] ?? '', /8\.3 ms of CPU time, a direct one 12\.7 ms/);
  assert.match(noHelp[1] ?? '', /only extra latency: 202 ms until the result instead of 70 ms/);
});

test('words do not praise what the figures do not show', () => {
  const slow = told.runs.map((run) => {
    const facts = run.road === 'direct' ? factsOf(run.case, 'queued', 1) : factsOf(run.case, 'direct', 1);
    return { ...run, facts };
  });
  const { gives, costs, noHelp } = wordsOf(summaryOf({ ...told, runs: slow }));
  assert.match(gives[0] ?? '', /The queue turned up to 940 away/);
  assert.match(gives[1] ?? '', /not clearly faster with the queue/);
  assert.match(costs[0] ?? '', /hardly any later than directly/);
  assert.match(noHelp[1] ?? '', /hardly cost latency/);
});
