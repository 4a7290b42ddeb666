// What is left on the screen in the end: the table, its sentences and the verdict, on 24 lines with room for a prompt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RoadFigures } from '../figures/figures.ts';
import type { DemoResult, RoadRun } from './demo.ts';
import { queued, sound } from './example.ts';
import { claimsOf, describeRun, describeSummary, verdict } from './report.ts';
import { settings } from './settings.ts';

const runOf = (more: Partial<RoadFigures> = {}): RoadRun => ({
  figures: { ...queued, ...more },
  untrueYes: 0,
  bankIdleShare: 0.02,
  lateMs: { p99: 5, max: 30 },
  audits: { inFlight: sound, atRest: sound },
});
const direct = runOf({
  yes: 387,
  no: { soldOut: 0, busy: 2_600, tooLate: 13, limit: 0, notOpen: 0 },
  turnedAwayWhileUnsold: 2_613,
  confirmed: 387,
  unsold: 613,
  answerMs: { yes: { p50: 963, p95: 1_200, p99: 1_200, max: 1_200 }, no: { p50: 7.4, p95: 55, p99: 55, max: 55 } },
  clickToFinalMs: { p50: 963, p95: 1_200, p99: 1_200, max: 1_200 },
});
const small = runOf({ yes: settings.accident.units, confirmed: settings.accident.units });
const result: DemoResult = {
  environment: {
    at: '2026-11-24T10:24:51.456Z',
    commit: 'e6fcea3',
    cpu: 'a processor',
    cores: 2,
    memoryGiB: 24,
    os: 'Linux',
    node: 'v24.21.0',
    postgres: '15.18',
    redis: '7.0.15',
    rabbitmq: '3.10.8',
  },
  queued: runOf(),
  direct,
  accident: { run: small, awayMs: 719 },
};

/** One line stays for "Everything stays up", one for what Ctrl-C makes it say, one for the prompt. */
const ROOM = 21;
const below = (lines: string[]) => lines.slice(lines.lastIndexOf('') + 1);

test('the summary fits a screen of 80 × 24 together with a prompt', () => {
  const no = { soldOut: 2_000, busy: 18_000, tooLate: 13, limit: 0, notOpen: 0 };
  const huge = { ...direct.figures, no, peakLine: 1_000_000, turnedAwayWhileUnsold: 2_000_000 };
  for (const each of [result, { ...result, accident: null }, { ...result, direct: { ...direct, figures: huge } }]) {
    const lines = below(describeSummary(each, settings));
    assert.ok(lines.length <= ROOM, `${lines.length} lines`);
    for (const line of lines) assert.ok(line.length <= 80, line);
  }
});

test('what scrolls away above it fits 80 columns too', () => {
  for (const line of describeRun(result, settings)) assert.ok(line.length <= 80, line);
});

test('what is compared as the final result is said', () => {
  assert.match(describeRun(result, settings).join(' '), /Final result .* 201, else when the orders database/);
});

test('a refusal because time was up has its own figure, and is no error', () => {
  const lines = describeSummary(result, settings);
  assert.ok(lines.some((line) => /said no: sold out · busy · too late +2,000 · 0 · 0 +0 · 2,600 · 13$/.test(line)));
  assert.ok(lines.some((line) => /errors +0 · 0 · 0 +0 · 0 · 0$/.test(line)));
});

/** A row's numbers in one of the columns, summed up. */
function summed(row: string, column: 0 | 1): number {
  const cell = row.trim().split(/ {2,}/).slice(1)[column] ?? '';
  return cell.split(' · ').reduce((sum, number) => sum + Number(number.replaceAll(',', '')), 0);
}

test('the first rows add up to all who clicked: nobody is in no row', () => {
  const two = runOf({
    ...direct.figures,
    no: { soldOut: 1, busy: 2_200, tooLate: 13, limit: 2, notOpen: 3 },
    unanswered: 362,
    errors: 32,
    unknown: 5,
  });
  const lines = below(describeSummary({ ...result, direct: two }, settings));
  const rows = lines.slice(
    2,
    lines.findIndex((line) => line.startsWith('turned away')),
  );
  assert.match(lines[0] ?? '', /^of 3,000 who clicked/);
  for (const column of [0, 1] as const) {
    assert.equal(
      rows.map((row) => summed(row, column)).reduce((a, b) => a + b),
      3_000,
    );
  }
  assert.ok(lines.some((line) => /no answer in time · errors +0 · 0 · 0 +5 · 362 · 32$/.test(line)));
});

test('the verdict says what the accident did, or which claim does not hold', () => {
  const lastOf = (each: DemoResult) => describeSummary(each, settings).at(-1) ?? '';
  assert.match(lastOf(result), /^✓ all 14 claims above hold; kill -9 of orders lost none of 400 accepted orders$/);
  assert.match(lastOf({ ...result, accident: null }), /^✓ all 11 claims above hold$/);
  const broken = { ...result, queued: runOf({ errors: 3 }) };
  assert.equal(lastOf(broken), '✗ 1 of 14 claims above does not hold: queued: no error, nothing unknown');
});

test('the verdict names each claim in full on one line', () => {
  const all = claimsOf(result, settings);
  for (const claim of all) {
    const line = verdict([{ ...claim, ok: false }, ...all.map((other) => ({ ...other, ok: false }))], null);
    assert.ok(line.endsWith(`do not hold, first: ${claim.name}`) && line.length <= 80, line);
  }
});

test("settings that were not so are not told: of somebody else's gateways, of an accident left out", () => {
  const told = (each: DemoResult) => describeRun(each, settings).join('\n');
  assert.match(told(result), /^direct: .* at most 100 calls in flight per gateway$/m);
  assert.match(told(result), /^accident: 600 buyers/m);
  assert.doesNotMatch(told({ ...result, accident: null }), /^(direct|accident): (deadline|600)/m);
});

test('an accident that could not be had is told as left out', () => {
  const left = (each: DemoResult) => describeRun(each, settings).filter((line) => line.includes('left out'));
  assert.equal(left(result).length, 0);
  assert.equal(left({ ...result, accident: null }).length, 1);
});
