// The folder of a comparison: environment.json, summary.json, report.html and its charts, beside k6's own summaries in k6/.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chart, type Panel } from './chart.ts';
import { html } from './html.ts';
import type { Case, Road } from './plan.ts';
import type { Ran } from './run.ts';
import type { Summary } from './summary.ts';

/** By name, with k6's summaries; what lies in the folder besides is somebody else's. */
export const WRITTEN = ['environment.json', 'summary.json', 'report.html', 'peak.svg', 'calm.svg', 'k6'];

export function writeReport(folder: string, summary: Summary, ran: Ran[]): void {
  const { environment, configuration } = summary;
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  write('environment.json', json({ ...environment, configuration }));
  write('summary.json', json(summary));
  const charts = { peak: chart(panelsOf(ran, 'peak')), calm: chart(panelsOf(ran, 'calm')) };
  write('peak.svg', charts.peak);
  write('calm.svg', charts.calm);
  write('report.html', html(summary, charts));
}

function panelsOf(ran: Ran[], name: Case['name']): Panel[] {
  const of = (road: Road, title: string): Panel => ({
    title: `${road}: ${title}`,
    runs: middleFirst(ran.filter(({ run }) => run.case === name && run.road === road)).map(({ timeline }) => timeline),
  });
  return [of('queued', 'a message is left'), of('direct', 'services call each other')];
}

/** The run that sold a middling number first: the one to be drawn in full. */
function middleFirst(ran: Ran[]): Ran[] {
  const sorted = ran.toSorted((a, b) => a.run.facts.figures.confirmed - b.run.facts.figures.confirmed);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  return middle ? [middle, ...sorted.filter((one) => one !== middle)] : [];
}
