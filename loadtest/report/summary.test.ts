// From runs to the figures that are told, and when they do not count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf, told } from './example.ts';
import { METRICS } from './metrics.ts';
import { orderOf, planOf } from './plan.ts';
import { spreadOf, summaryOf } from './summary.ts';
import { type Evidence, whyInvalid } from './validity.ts';

test('a figure is the middle run, with the least and the most, and every run is kept', () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3, runs: [3, 1, 2] });
  assert.deepEqual(spreadOf([4, 1]), { median: 2.5, min: 1, max: 4, runs: [4, 1] });
});

test('a figure that one run lacks is told for none: a median of fewer runs would look like one of all', () => {
  assert.deepEqual(spreadOf([3, null]), { median: null, min: null, max: null, runs: [3, null] });
});

test('every case has every figure on both roads, each under a name of its own', () => {
  const { cases } = summaryOf(told);
  assert.equal(new Set(METRICS.map(({ key }) => key)).size, METRICS.length);
  assert.deepEqual(
    cases.map(({ name }) => name),
    ['peak', 'calm'],
  );
  for (const { roads } of cases)
    for (const road of [roads.queued, roads.direct]) {
      assert.deepEqual(
        Object.keys(road),
        METRICS.map(({ key }) => key),
      );
      for (const { runs } of Object.values(road)) assert.equal(runs.length, 3);
    }
});

const valueIn = (key: string) => METRICS.find((metric) => metric.key === key)?.of(factsOf('peak', 'queued', 1));

test('rates, final results and CPU time are worked out from one run each', () => {
  assert.equal(valueIn('offeredPerSecond'), 600);
  assert.equal(valueIn('yesPerSecond'), 190, 'those who were told before the crowd had left');
  assert.equal(valueIn('confirmedPerSecond.crowd'), 90);
  assert.equal(valueIn('confirmedPerSecond.end'), 400 / 4.2);
  assert.equal(valueIn('bankPerSecond'), 100);
  assert.equal(valueIn('clickToFinalMs.p50'), 1_501);
  assert.equal(valueIn('cpuMsPerConfirmed.gateway'), 2);
  assert.equal(Math.round((valueIn('cpuMsPerConfirmed.total') ?? 0) * 100), 825, 'without bank and crowd');
});

test('CPU time that cannot be read is not told as none', () => {
  const total = METRICS.find(({ key }) => key === 'cpuMsPerConfirmed.total');
  const facts = factsOf('peak', 'queued', 1);
  assert.equal(total?.of({ ...facts, cpuSeconds: { gateway: 1 } }), null);
  assert.equal(total?.of({ ...facts, figures: { ...facts.figures, confirmed: 0 } }), null);
});

test('each road goes at least five times, and who goes first changes', () => {
  for (const plan of [planOf(false), planOf(true)]) {
    assert.ok(plan.rounds >= 5);
    const turns = orderOf(plan);
    assert.equal(turns.length, plan.rounds * plan.cases.length * 2);
    const peak = turns.filter((turn) => turn.case.name === 'peak').map(({ road }) => road);
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
  assert.match(reasons({ ...sound, dropped: 2 }), /^crowd: .*dropped 2 iterations/);
  assert.match(reasons({ ...sound, lateMs: { p99: 101 } }), /^crowd: .*generator was saturated/);
  assert.match(reasons({ ...sound, clicks: 8 }), /^crowd: .*8 clicks were made of 9/);
  assert.match(reasons({ ...sound, exitCode: 99 }), /^shop: .*threshold/);
  assert.match(reasons({ ...sound, exitCode: 107 }), /^shop: .*code 107/);
  assert.match(reasons({ ...sound, deaths: ['orders'] }), /^shop: orders ended in the middle/);
  assert.match(reasons({ ...sound, undecided: 3 }), /^shop: 3 orders had no final result/);
  assert.match(reasons({ ...sound, audit: { ok: false, checks: [failing] } }), /^shop: .*difference: money/);
});

test('what a crowd that was not whole crosses of the thresholds on it is not put down to the shop', () => {
  assert.equal(reasons({ ...sound, exitCode: 99, dropped: 2 }), 'crowd: k6 dropped 2 iterations');
  assert.equal(reasons({ ...sound, exitCode: 99, clicks: 8 }), 'crowd: 8 clicks were made of 9');
  assert.match(reasons({ ...sound, exitCode: 99, lateMs: { p99: 101 } }), /shop: a threshold/);
});

test('one run that does not count makes the whole invalid, and is named', () => {
  const [first, ...others] = told.runs;
  assert.ok(first);
  const { valid, invalid } = summaryOf({
    ...told,
    runs: [{ ...first, invalid: [{ whose: 'crowd', why: 'k6 dropped 2 iterations' }] }, ...others],
  });
  assert.equal(valid, false);
  assert.deepEqual(invalid, ['peak, queued, run 1: k6 dropped 2 iterations']);
});
