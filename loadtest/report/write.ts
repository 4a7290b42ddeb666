// The folder of a comparison: the report as Markdown and as a page, its pictures, every figure, and k6's own summaries.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { marked } from 'marked';
import { chart } from './chart.ts';
import { markdown } from './markdown.ts';
import type { Case, Road } from './plan.ts';
import { nameOf, type Ran } from './run.ts';
import type { Summary } from './summary.ts';

/** By name; anything else in the folder is not the report's. */
export const WRITTEN = ['report.md', 'report.html', 'peak.svg', 'calm.svg', 'summary.json', 'k6.json'];

export async function writeReport(folder: string, summary: Summary, ran: Ran[]): Promise<void> {
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  write('summary.json', json(summary));
  write('k6.json', json(Object.fromEntries(ran.map((run) => [nameOf(run), run.k6Summary]))));
  const pictures: Record<string, string> = {};
  for (const each of summary.cases) {
    const of = (road: Road) => middleFirst(ran.filter((run) => run.case === each.name && run.road === road));
    pictures[each.name] = await chart(each, { queued: of('queued'), direct: of('direct') });
    write(`${each.name}.svg`, pictures[each.name] ?? '');
  }
  write('report.md', markdown(summary));
  write('report.html', html(markdown(summary), pictures));
}

/** The time lines, first that of the run that sold a middling number: the one to be drawn in full. */
function middleFirst(ran: Ran[]): Ran['timeline'][] {
  const sorted = ran.toSorted((a, b) => a.facts.figures.confirmed - b.facts.figures.confirmed);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  return [...(middle ? [middle] : []), ...sorted.filter((run) => run !== middle)].map(({ timeline }) => timeline);
}

/** One file that opens from disk and loads nothing: the pictures stand in it. */
export const html = (report: string, pictures: Record<Case['name'], string> | Record<string, string>): string =>
  `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>flashsale: with and without the queue</title>
<style>${STYLE}</style>
<main>
${marked.parse(report, { async: false }).replace(/<img src="(\w+)\.svg"[^>]*>/g, (_, name) => pictures[name as 'peak'] ?? '')}
</main>
</html>
`;

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; margin: 0 }
main { max-width: 920px; margin: 0 auto; padding: 24px 20px 60px }
h1 { font-size: 26px; margin: 8px 0 } h2 { font-size: 19px; margin: 36px 0 8px }
table { border-collapse: collapse; width: 100%; margin: 16px 0 4px; font-variant-numeric: tabular-nums }
th { border-bottom: 2px solid #d0d7de; padding: 4px 8px }
td { border-bottom: 1px solid #eaeef2; padding: 3px 8px }
th:first-child { text-align: left } td + td { white-space: nowrap } th + th { width: 27% } th:nth-child(5), th:nth-child(5) ~ th { width: auto }
em { color: #57606a; font-size: 13px; font-style: normal } code { background: #f2f4f6; padding: 1px 5px }
svg { width: 100%; height: auto; margin: 6px 0 }
`;
