// node loadtest/report/readme.ts: the tables of the README and of docs/load-tests.md, made of the committed report, to be
// pasted; a test holds them together.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cell, figure, table } from './markdown.ts';
import { METRICS } from './metrics.ts';
import type { Case, Road } from './plan.ts';
import type { Summary } from './summary.ts';

export const COMMITTED = 'loadtest/results/reference/summary.json';

const COSTS: [Case['name'], key: string, label: string][] = [
  ['peak', 'turnedAwayWhileUnsold', 'turned away while units were unsold'],
  ['peak', 'confirmed.crowd', 'sold when the crowd had left'],
  ['peak', 'confirmed.end', 'sold in the end'],
  ['peak', 'yesMs.p50', 'until a yes, p50'],
  ['peak', 'clickToFinalMs.p50', 'click to final result, p50'],
  ['peak', 'cpuMsPerConfirmed.total', 'CPU time of the shop per sold order'],
  ['calm', 'clickToFinalMs.p50', 'below capacity: click to final result, p50'],
];

type Rows = [label: string, queued: string, direct: string][];

/** The three rows of the README: medians at the peak. */
export function resultRows({ cases }: Pick<Summary, 'cases'>): Rows {
  const peak = cases.find(({ name }) => name === 'peak');
  const median = (road: Road, key: string) => peak?.roads[road][key]?.median ?? null;
  const row = (label: string, key: string, unit: 'count' | 'ms'): Rows[number] => [
    label,
    figure(median('queued', key), unit),
    figure(median('direct', key), unit),
  ];
  return [
    row(`units sold, of ${figure(peak?.units ?? null, 'count')}`, 'confirmed.end', 'count'),
    row('buyers turned away while units were left', 'turnedAwayWhileUnsold', 'count'),
    row('time until half of the buyers know the result', 'clickToFinalMs.p50', 'ms'),
  ];
}

/** The table of docs/load-tests.md. */
export const costRows = ({ cases }: Pick<Summary, 'cases'>): Rows =>
  COSTS.map(([name, key, label]) => {
    const roads = cases.find((each) => each.name === name)?.roads;
    const unit = METRICS.find(([known]) => known === key)?.[2] ?? 'count';
    return [label, cell(roads?.queued[key], unit), cell(roads?.direct[key], unit)];
  });

if (import.meta.main) {
  const summary: Summary = JSON.parse(readFileSync(join(import.meta.dirname, '../..', COMMITTED), 'utf8'));
  for (const rows of [resultRows(summary), costRows(summary)])
    console.log(`${table(['', 'queued', 'direct'], rows)}\n`);
}
