// node loadtest/report/readme.ts: the README's table, made of the committed report, to be pasted; a test holds the two together.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cell } from './html.ts';
import { METRICS, type Metric } from './metrics.ts';
import type { Case } from './plan.ts';
import type { Summary } from './summary.ts';

export const COMMITTED = 'loadtest/results/reference/summary.json';

const ROWS: [Case['name'], key: string, label: string][] = [
  ['peak', 'turnedAwayWhileUnsold', 'turned away while units were unsold'],
  ['peak', 'confirmed.crowd', 'sold when the crowd had left'],
  ['peak', 'confirmed.end', 'sold in the end'],
  ['peak', 'yesMs.p50', 'until a yes, p50'],
  ['peak', 'clickToFinalMs.p50', 'click to final result, p50'],
  ['peak', 'cpuMsPerConfirmed.total', 'CPU time of the shop per sold order'],
  ['calm', 'clickToFinalMs.p50', 'below capacity: click to final result, p50'],
];

/** Label, queued, direct. */
export function readmeRows({ cases }: Pick<Summary, 'cases'>): [string, string, string][] {
  return ROWS.map(([name, key, label]) => {
    const roads = cases.find((each) => each.name === name)?.roads;
    const { unit } = METRICS.find((metric) => metric.key === key) as Metric;
    return [label, cell(roads?.queued[key], unit), cell(roads?.direct[key], unit)];
  });
}

if (import.meta.main) {
  const summary: Summary = JSON.parse(readFileSync(join(import.meta.dirname, '../..', COMMITTED), 'utf8'));
  for (const row of [['', 'queued', 'direct'], ['-', '-', '-'], ...readmeRows(summary)])
    console.log(`| ${row.join(' | ')} |`);
}
