// The report of the bench: a line for each measurement, a table of ratios and CPU costs at the end, the same as JSON.
import { describeEnvironment, type Environment } from '../figures/environment.ts';
import { type Spread, spread } from '../figures/figures.ts';
import { count } from '../figures/format.ts';
import type { Settings } from './settings.ts';

const GENERATOR = 'infra/load (undici)';
const RATIOS = {
  refusal: { ours: 'refusals per CPU second', reference: 'bare node:http, the same bytes' },
  accept: { ours: 'accepted per CPU second', reference: 'token, the same Lua, a confirmed publish' },
  steady: { ours: 'confirmed per second, arriving as fast', reference: 'pgbench, a transaction for each order' },
  drain: { ours: 'confirmed per second, from the queue', reference: 'pgbench, a transaction for each order' },
  decoupling: { ours: 'ms, queued response p99 at a slow bank', reference: 'at a bank without limit' },
};
const NAMES = Object.keys(RATIOS) as RatioName[];
export const SIDES = ['ours', 'reference'] as const;

export type RatioName = keyof typeof RATIOS;
export type Whose = (typeof SIDES)[number];

/** One measurement that counts; `detail` holds the figures from which its value was made. */
export type Row = { run: number; ratio: RatioName; of: Whose; value: number; detail: object };

export interface BenchResult {
  environment?: Environment;
  rows: Row[];
  /** A record for each run: CPU milliseconds of each process for each confirmed order. */
  cpuMs: Record<string, number>[];
}

/** The spread of the runs' ratios, each of two values measured side by side, and the medians of either side. */
export function ratioOf(rows: Row[], name: RatioName) {
  const ofRatio = rows.filter((row) => row.ratio === name);
  const quotients = [...Map.groupBy(ofRatio, ({ run }) => run)].map(([run, pair]) => {
    const [ours, reference] = SIDES.map((side) => pair.find(({ of }) => of === side)?.value);
    if (ours === undefined || !reference) throw new Error(`run ${run}: ${name} has only one side`);
    return ours / reference;
  });
  return { ...spread(quotients), ours: sideOf(ofRatio, 'ours').median, reference: sideOf(ofRatio, 'reference').median };
}

const sideOf = (rows: Row[], side: Whose) => spread(rows.filter(({ of }) => of === side).map(({ value }) => value));

/** By process, and the spread of the runs' sums as `sum`. */
export function cpuCosts(cpuMs: BenchResult['cpuMs']): Record<string, Spread> {
  const sums = cpuMs.map((costs) => Object.values(costs).reduce((sum, ms) => sum + ms, 0));
  const names = new Set(cpuMs.flatMap((costs) => Object.keys(costs)));
  const each = [...names].map((name) => [name, spread(cpuMs.map((costs) => costs[name] ?? Number.NaN))]);
  return { ...Object.fromEntries(each), sum: spread(sums) };
}

export const describeRow = ({ ratio, of, value }: Row) =>
  `${ratio.padEnd(10)}  ${of.padEnd(9)}  ${short(value).padStart(8)}  ${RATIOS[ratio][of]}`;

export function describeResult({ environment, rows, cpuMs }: BenchResult, { counts }: Settings): string[] {
  const costs = Object.entries(cpuCosts(cpuMs)).toSorted(([, one], [, other]) => other.median - one.median);
  const labels: Record<string, string> = { sum: 'CPU ms per confirmed order, all but bank and load' };
  return [
    ...(environment ? describeEnvironment(environment) : []),
    `load by ${GENERATOR}`,
    ...NAMES.flatMap((name) => ['', ...describeRatio(name, rows)]),
    '',
    ...costs.map(([name, cost]) => line(labels[name] ?? `  ${name}`, cost, precise)),
    ...(counts ? [] : ['', 'QUICK: too few and too short to count. Without --quick the figures do.']),
  ];
}

function describeRatio(name: RatioName, rows: Row[]): string[] {
  const ofRatio = rows.filter((row) => row.ratio === name);
  const sides = SIDES.map((side) => line(`  ${RATIOS[name][side]}`, sideOf(ofRatio, side), short));
  return [line(`${name}: ours ÷ reference`, ratioOf(rows, name), precise), ...sides];
}

const line = (label: string, { median, min, max }: Spread, write: (value: number) => string) =>
  `${label.padEnd(52)}${write(median).padStart(8)}  (${write(min)} – ${write(max)})`;

const precise = (value: number) => value.toFixed(3);
const short = (value: number) => (value >= 100 ? count(Math.round(value)) : value.toFixed(1));

export const resultAsJson = ({ environment, rows, cpuMs }: BenchResult, settings: Settings) => ({
  environment: { ...environment, generator: GENERATOR, settings },
  ratios: Object.fromEntries(NAMES.map((name) => [name, ratioOf(rows, name)])),
  cpuMsPerConfirmedOrder: cpuCosts(cpuMs),
  rows,
});
