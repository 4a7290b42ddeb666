// The report of the bench: a line for each measurement, a table of ratios and CPU costs at the end, and the same as JSON.
import { describeEnvironment, type Environment } from '../figures/environment.ts';
import { count } from '../figures/format.ts';
import { type Spread, spread } from '../figures/spread.ts';
import type { Settings } from './settings.ts';

const GENERATOR = 'infra/crowd (undici)';
const RATIOS = {
  refusal: { ours: 'refusals per CPU second', reference: 'bare node:http, the same bytes' },
  accept: { ours: 'accepted per CPU second', reference: 'token, the same Lua, a confirmed publish' },
  steady: { ours: 'confirmed per second, arriving as fast', reference: 'pgbench, a transaction for each order' },
  drain: { ours: 'confirmed per second, from the queue', reference: 'pgbench, a transaction for each order' },
  decoupling: { ours: 'ms, queued answer p99 at a slow bank', reference: 'at a bank without limit' },
};

export type RatioName = keyof typeof RATIOS;
export type Whose = 'ours' | 'reference';

/** One measurement that counts; `detail` holds the figures from which its value was made. */
export type Row = { round: number; ratio: RatioName; of: Whose; value: number; detail: object };

export interface BenchResult {
  environment?: Environment;
  rows: Row[];
  /** A record a round: CPU milliseconds of each process for each confirmed order. */
  cpuMs: Record<string, number>[];
}

const NAMES = Object.keys(RATIOS) as RatioName[];

/** The spread of the rounds' ratios, each of two values measured side by side, and the medians of either side. */
export function ratioOf(rows: Row[], name: RatioName) {
  const [ours, reference] = [valuesOf(rows, name, 'ours'), valuesOf(rows, name, 'reference')];
  const rounds = new Set([...ours.keys(), ...reference.keys()]);
  const quotients = [...rounds].map((round) => {
    const [one, other] = [ours.get(round), reference.get(round)];
    if (one === undefined || !other) throw new Error(`round ${round}: ${name} has only one side`);
    return one / other;
  });
  return {
    ...spread(quotients),
    ours: spread([...ours.values()]).median,
    reference: spread([...reference.values()]).median,
  };
}

/** By round. */
const valuesOf = (rows: Row[], name: RatioName, of: Whose) =>
  new Map(rows.filter((row) => row.ratio === name && row.of === of).map(({ round, value }) => [round, value]));

/** By process, and the spread of the rounds' sums as `sum`. */
export function cpuCosts(cpuMs: BenchResult['cpuMs']): Record<string, Spread> {
  const sums = cpuMs.map((costs) => Object.values(costs).reduce((sum, ms) => sum + ms, 0));
  const names = new Set(cpuMs.flatMap((costs) => Object.keys(costs)));
  const each = [...names].map((name) => [name, spread(cpuMs.map((costs) => costs[name] ?? Number.NaN))]);
  return { ...Object.fromEntries(each), sum: spread(sums) };
}

export const describeRow = ({ ratio, of, value }: Row) =>
  `${ratio.padEnd(10)}  ${of.padEnd(9)}  ${number(value).padStart(8)}  ${RATIOS[ratio][of]}`;

export function describeResult({ environment, rows, cpuMs }: BenchResult, { counts }: Settings): string[] {
  const { sum, ...each } = cpuCosts(cpuMs);
  const dearestFirst = Object.entries(each).sort(([, one], [, other]) => other.median - one.median);
  return [
    ...(environment ? describeEnvironment(environment) : []),
    `load by ${GENERATOR}`,
    ...NAMES.flatMap((name) => ['', ...describeRatio(name, rows)]),
    '',
    line('CPU ms per confirmed order, all but bank and load', sum as Spread, ratio),
    ...dearestFirst.map(([name, cost]) => line(`  ${name}`, cost, ratio)),
    ...(counts ? [] : ['', 'QUICK: too few and too short to count. Without --quick the figures do.']),
  ];
}

const describeRatio = (name: RatioName, rows: Row[]) => [
  line(`${name}: ours ÷ reference`, ratioOf(rows, name), ratio),
  ...(['ours', 'reference'] as const).map((of) =>
    line(`  ${RATIOS[name][of]}`, spread([...valuesOf(rows, name, of).values()]), number),
  ),
];

const line = (label: string, { median, min, max }: Spread, write: (value: number) => string) =>
  `${label.padEnd(52)}${write(median).padStart(8)}  (${write(min)} – ${write(max)})`;

const ratio = (value: number) => value.toFixed(3);
const number = (value: number) => (value >= 100 ? count(Math.round(value)) : value.toFixed(1));

export const resultAsJson = ({ environment, rows, cpuMs }: BenchResult, settings: Settings) => ({
  environment: { ...environment, generator: GENERATOR, settings },
  ratios: Object.fromEntries(NAMES.map((name) => [name, ratioOf(rows, name)])),
  cpuMsPerConfirmedOrder: cpuCosts(cpuMs),
  rows,
});
