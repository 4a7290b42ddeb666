import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RoadFigures } from '../figures/figures.ts';
import { duration } from '../figures/format.ts';
import { claims, describeClaim, type Evidence } from './claims.ts';
import type { Accident, RoadRun } from './demo.ts';
import { direct, queued, sound } from './example.ts';
import { progressLine } from './progress.ts';
import { settings } from './settings.ts';
import { describeSettings, table } from './table.ts';

const run: RoadRun = {
  figures: { ...queued, offered: 400, yes: settings.accident.units, confirmed: settings.accident.units },
  untrueYes: 0,
  bankIdleShare: 0.3,
  lateMs: { p99: 1, max: 2 },
  audits: { inFlight: sound, atRest: sound },
};
const accident: Accident = { run, awayMs: 1_600 };
const evidence: Evidence = {
  settings,
  queued,
  direct,
  directBankIdleShare: 0.01,
  untrueYes: { queued: 0, direct: 0 },
  audits: [
    { inFlight: sound, atRest: sound },
    { inFlight: sound, atRest: sound },
  ],
  accident,
};
const failing = (change: Partial<Evidence>) =>
  claims({ ...evidence, ...change }).flatMap((claim) => (claim.ok ? [] : [claim.text.split(':')[0]]));

test('every claim holds for a run that went as it should', () => {
  assert.deepEqual(failing({}), []);
});

const breaches: [string, Partial<Evidence>][] = [
  ['one yes too few', { queued: { ...queued, yes: 999 } }],
  ['one unit unsold', { queued: { ...queued, confirmed: 999 } }],
  ['a yes that did not hold', { untrueYes: { queued: 1, direct: 0 } }],
  ['somebody turned away too early', { queued: { ...queued, turnedAwayWhileUnsold: 1 } }],
  ['an error', { queued: { ...queued, errors: 1 } }],
  ['an outcome unknown at the end', { queued: { ...queued, unknown: 1 } }],
];
for (const [what, breach] of breaches) {
  test(`queued: ${what} breaks exactly one claim`, () => assert.deepEqual(failing(breach), ['queued']));
}

const directBreaches: [string, Partial<Evidence>][] = [
  ['a yes that did not hold', { untrueYes: { queued: 0, direct: 1 } }],
  ['nobody said yes', { direct: { ...direct, yes: 0 } }],
  ['an idle bank', { directBankIdleShare: 0.2 }],
  ['a bank without a charge', { directBankIdleShare: null }],
  ['everything sold while the crowd was there', { direct: { ...direct, confirmedWhenCrowdLeft: 1000 } }],
  ['a no that is not a 503', { direct: { ...direct, no: { ...direct.no, soldOut: 1 } } }],
  [
    'a slow no',
    { direct: { ...direct, answerMs: { ...direct.answerMs, no: { p50: 506, p95: 900, p99: 900, max: 900 } } } },
  ],
  ['an error', { direct: { ...direct, errors: 1 } }],
];
for (const [what, breach] of directBreaches) {
  test(`direct: ${what} breaks exactly one claim`, () => assert.deepEqual(failing(breach), ['direct']));
}

const struck = (figures: Partial<RoadFigures>, more: Partial<RoadRun> = {}) => ({
  accident: { ...accident, run: { ...run, ...more, figures: { ...run.figures, ...figures } } },
});
const accidentBreaches: [string, Partial<Evidence>][] = [
  ['an accepted order without a result', struck({ unknown: 1 })],
  ['a yes that did not hold', struck({}, { untrueYes: 1 })],
  ['somebody turned away too early', struck({ turnedAwayWhileUnsold: 1 })],
  ['an error', struck({ errors: 1 })],
  ['a process that does not come back', { accident: { ...accident, awayMs: null } }],
];
for (const [what, breach] of accidentBreaches) {
  test(`accident: ${what} breaks exactly one claim`, () => assert.deepEqual(failing(breach), ['kill -9 of orders']));
}

test('an accident that was left out claims nothing', () => {
  assert.equal(claims({ ...evidence, accident: null }).length, claims(evidence).length - 3);
});

test('direct: a deadline that passed is a no that is expected', () => {
  assert.deepEqual(failing({ direct: { ...direct, no: { ...direct.no, busy: 2600, tooLate: 10 } } }), []);
});

test('an audit of either road that does not hold breaks its claim', () => {
  const broken = { ...sound, ok: false };
  const holds = { inFlight: sound, atRest: sound };
  assert.equal(failing({ audits: [holds, { inFlight: broken, atRest: sound }] }).length, 1);
  assert.equal(failing({ audits: [{ inFlight: sound, atRest: broken }, holds] }).length, 1);
  assert.equal(failing({ audits: [] }).length, 2);
});

test('whatever is printed of a good run fits 80 columns', () => {
  const huge = {
    ...queued,
    offered: 3_000_000,
    answerMs: {
      yes: { p50: 12_345, p95: 99_999, p99: 99_999, max: 99_999 },
      no: { p50: null, p95: null, p99: null, max: null },
    },
  };
  const rows = table({ figures: huge, bankIdleShare: 1 }, { figures: direct, bankIdleShare: null });
  const bank = { charges: 1000, busyMs: 9_000, waiting: 0, inProgress: 0 };
  const sample = { sent: 3000, yes: 1000, refused: 2000, other: 0, atMs: 0, confirmed: 1000, decided: 1000, bank };
  const progress = progressLine({ name: 'accident', mode: 'queued' }, sample);
  const said = [...claims(evidence).map(describeClaim), ...describeSettings(settings, true), `  99.9 s  ${progress}`];
  for (const row of [...rows, ...said]) assert.ok(row.length <= 80, row);
});

test('durations are said in the unit in which they are read', () => {
  assert.deepEqual([null, 0, 9.94, 9.96, 10.4, 999.4, 999.6, 1_049, 65_000].map(duration), [
    '–',
    '0.0 ms',
    '9.9 ms',
    '10 ms',
    '10 ms',
    '999 ms',
    '1.0 s',
    '1.0 s',
    '65.0 s',
  ]);
});
