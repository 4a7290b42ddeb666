// The report as Markdown, made of a summary: what a forge shows, and what report.html is made from.
import { marked } from 'marked';
import { describeEnvironment } from '../figures/environment.ts';
import { count, duration } from '../figures/format.ts';
import { wordsOf } from '../figures/sentences.ts';
import { describeConfiguration } from './plan.ts';
import { describeRun, type RunSpread, SECTIONS, type Summary, type Unit } from './summary.ts';

export function markdown(summary: Summary): string {
  const { gives, costs, noHelp } = wordsOf(summary);
  return [
    '# With and without the queue',
    `The same load for the same sale, once with messages (queued), once with calls (direct): \`${summary.command}\`.`,
    verdict(summary),
    `## The queue's gain\n\n${list(gives)}`,
    `## Its cost\n\n${list(costs)}`,
    `## Where it does not help\n\n${list(noHelp)}`,
    ...summary.cases.flatMap(caseSection),
    '## Measured on',
    list([
      ...describeEnvironment(summary.environment),
      `k6 ${summary.environment.k6}; load, shop and servers on the same machine`,
      ...describeConfiguration(summary.configuration),
    ]),
    '## Every run',
    everyRun(summary),
    '',
  ].join('\n\n');
}

function verdict({ valid, invalid, runs }: Summary): string {
  if (!valid) return `**✗ These figures do not count:**\n\n${list(invalid)}`;
  const why = 'no iteration dropped, the generator in time, every check of every audit holds';
  return `**✓ All ${runs.length} runs count**: ${why}.`;
}

function caseSection({ modes, ...each }: Summary['cases'][number]): string[] {
  const { name, title, units, buyers, seconds, chargesPerSecond } = each;
  const load = `${count(buyers)} buyers within ${seconds} s, each once, for ${count(units)} units`;
  const alt = 'clicked, accepted, confirmed and waiting orders over time, on both paths';
  return [
    `## ${name === 'peak' ? 'Peak' : 'Calm'}: ${title}`,
    `${load}; the bank takes ${count(chargesPerSecond)} charges/s.`,
    `Medians of ${modes.queued.yes?.runs.length} runs on each path, least and most in brackets; the picture shows the
run that sold a middling number, the others faintly.`,
    `![${alt}](${name}.svg)`,
    ...SECTIONS.flatMap(({ title, note, metrics }) => [
      table(
        [title, 'queued', 'direct'],
        metrics.map(([key, label, unit]) => [label, cell(modes.queued[key], unit), cell(modes.direct[key], unit)]),
      ),
      ...(note ? [`_${note}_`] : []),
    ]),
  ];
}

function everyRun({ runs }: Summary): string {
  const rows = runs.map(({ audit, k6, invalid, ...run }) => {
    const late = `${duration(k6.lateMs.p99)} · ${duration(k6.lateMs.max)}`;
    const counts = invalid.map(({ why }) => text(why)).join('; ') || '✓';
    return [describeRun(run), `${audit.holding} of ${audit.checks}`, `${k6.dropped}`, late, counts];
  });
  return table(['in their order', 'audit: checks hold', 'dropped', 'sent late, p99 · most', 'counts'], rows);
}

export const table = ([first = '', ...others]: string[], rows: string[][]): string =>
  [[first, ...others], ['---', ...others.map(() => '---:')], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

const list = (lines: string[]) => lines.map((line) => `- ${text(line)}`).join('\n');
const text = (raw: string) => raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** The median, and in brackets the least and the most where they are not written alike. */
export function cell(spread: RunSpread | undefined, unit: Unit): string {
  if (!spread) return '–';
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) => figure(value, unit));
  return min === max ? `${median}` : `${median} (${min} … ${max})`;
}

export function figure(value: number | null, unit: Unit): string {
  if (value === null) return '–';
  if (unit === 'ms') return duration(value);
  if (unit === 'cpuMs') return `${value.toFixed(2)} ms`;
  return unit === 'perSecond' ? `${value < 100 ? value.toFixed(1) : count(Math.round(value))}/s` : count(value);
}

/** One file that opens from disk and loads nothing: the pictures stand in it. */
export const html = (report: string, pictures: Record<string, string>): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>flashsale: with and without the queue</title>
<style>${STYLE}</style>
<main>
${marked.parse(report, { async: false }).replace(/<img src="([^"]+)"[^>]*>/g, (_, name) => pictures[name] ?? '')}
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
th:first-child { text-align: left } td + td { white-space: nowrap }
th + th { width: 27% } th:nth-child(5), th:nth-child(5) ~ th { width: auto }
em { color: #57606a; font-size: 13px; font-style: normal } code { background: #f2f4f6; padding: 1px 5px }
svg { width: 100%; height: auto; margin: 6px 0 }
`;
