// What is told of a run of the bench: a line for each measurement, a table at the end, and the same as JSON.
import { describeEnvironment } from '../figures/environment.ts';
import { type Spread, spread } from '../figures/figures.ts';
import type { BenchResult } from './bench.ts';
import {
  type CpuCosts,
  cpuCosts,
  RATIOS,
  type Ratio,
  type RatioName,
  type Row,
  ratioOf,
  type Whose,
} from './ratios.ts';
import type { Settings } from './settings.ts';

const WHAT: Record<RatioName, { unit: string; reference: string }> = {
  refusal: { unit: 'refusals per CPU second', reference: 'bare node:http, the same bytes' },
  accept: { unit: 'accepted per CPU second', reference: 'token, the same Lua, a confirmed publish' },
  steady: { unit: 'confirmed per second, arriving as fast', reference: 'pgbench, a transaction for each order' },
  drain: { unit: 'confirmed per second, from the queue', reference: 'pgbench, a transaction for each order' },
  decoupling: { unit: 'ms, queued answer p99 at a slow bank', reference: 'at a bank without limit' },
};

export const describeRow = ({ ratio, of, value }: Row) =>
  `${ratio.padEnd(10)}  ${of.padEnd(9)}  ${number(value).padStart(8)}  ${of === 'ours' ? WHAT[ratio].unit : WHAT[ratio].reference}`;

export function describeResult({ environment, rows, cpuMs }: BenchResult, settings: Settings): string[] {
  return [
    ...describeEnvironment(environment),
    `wrk ${environment.wrk}`,
    ...RATIOS.flatMap((name) => ['', ...describeRatio(name, rows)]),
    '',
    ...describeCpu(cpuCosts(cpuMs)),
    ...(settings.counts ? [] : ['', 'QUICK: too few and too short to count. Without --quick the figures do.']),
  ];
}

function describeRatio(name: RatioName, rows: Row[]): string[] {
  const { unit, reference } = WHAT[name];
  const of = (whose: Whose) =>
    spread(rows.filter((row) => row.ratio === name && row.of === whose).map((row) => row.value));
  return [
    line(`${name}: ours ÷ reference`, ratioOf(rows, name), (value) => value.toFixed(3)),
    line(`  ${unit}`, of('ours')),
    line(`  ${reference}`, of('reference')),
  ];
}

function describeCpu(costs: CpuCosts): string[] {
  const { sum, ...each } = costs;
  const dearestFirst = Object.entries(each).sort(([, one], [, other]) => other.median - one.median);
  const ms = (value: number) => value.toFixed(3);
  return [
    line('CPU ms per confirmed order, all but bank and load', sum as Spread, ms),
    ...dearestFirst.map(([name, cost]) => line(`  ${name}`, cost, ms)),
  ];
}

const line = (label: string, { median, min, max }: Spread, write = number) =>
  `${label.padEnd(52)}${write(median).padStart(8)}  ${`(${write(min)} – ${write(max)})`}`;

const number = (value: number) => (value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1));

export interface BenchJson {
  environment: BenchResult['environment'] & { settings: Settings };
  ratios: Record<RatioName, Ratio>;
  cpuMsPerConfirmedOrder: CpuCosts;
  rows: Row[];
}

export function resultAsJson({ environment, rows, cpuMs }: BenchResult, settings: Settings): BenchJson {
  const ratios = Object.fromEntries(RATIOS.map((name) => [name, ratioOf(rows, name)])) as BenchJson['ratios'];
  return { environment: { ...environment, settings }, ratios, cpuMsPerConfirmedOrder: cpuCosts(cpuMs), rows };
}
