// node loadtest/report/readme.ts: the tables of the README and of docs/load-tests.md, made of the committed report;
// a test holds them together.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cell, figure, table } from './markdown.ts';
import type { Case } from './plan.ts';
import { METRICS, type Summary } from './summary.ts';

export const COMMITTED = 'loadtest/results/reference/summary.json';

export const readCommitted = (): Summary =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../..', COMMITTED), 'utf8'));

type Row = [name: Case['name'], key: string, label: string];
const RESULTS: Row[] = [
  ['peak', 'confirmed.end', 'units sold'],
  ['peak', 'refusedWhileStockLasted', 'refused while stock lasted'],
  ['peak', 'clickToFinalMs.p50', 'time until the buyer knows the result (p50)'],
];
const COSTS: Row[] = [
  ['peak', 'refusedWhileStockLasted', 'refused while stock lasted'],
  ['peak', 'confirmed.burst', 'sold by the last click'],
  ['peak', 'confirmed.end', 'sold in the end'],
  ['peak', 'yesMs.p50', 'until a yes, p50'],
  ['peak', 'clickToFinalMs.p50', 'click to final result, p50'],
  ['peak', 'cpuMsPerConfirmed.total', 'CPU time of the shop per sold order'],
  ['calm', 'clickToFinalMs.p50', 'below capacity: click to final result, p50'],
];

const rowsOf = ({ cases }: Summary, rows: Row[], write: typeof cell): string[][] =>
  rows.map(([name, key, label]) => {
    const modes = cases.find((each) => each.name === name)?.modes;
    const unit = METRICS.find(([known]) => known === key)?.[2] ?? 'count';
    return [label, write(modes?.queued[key], unit), write(modes?.direct[key], unit)];
  });

export const costRows = (summary: Summary) => rowsOf(summary, COSTS, cell);
/** Medians alone. */
export const resultRows = (summary: Summary) =>
  rowsOf(summary, RESULTS, (spread, unit) => figure(spread?.median ?? null, unit));

if (import.meta.main) {
  const summary = readCommitted();
  for (const rows of [resultRows(summary), costRows(summary)])
    console.log(`${table(['', 'queued', 'direct'], rows)}\n`);
}
