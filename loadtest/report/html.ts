// report.html: one file that opens from disk and asks nobody for anything.
import { describeEnvironment } from '../figures/environment.ts';
import { count, duration } from '../figures/format.ts';
import { type Metric, SECTIONS, type Unit } from './metrics.ts';
import { type Case, describeConfiguration } from './plan.ts';
import { describeRun, type RunSpread, type Summary } from './summary.ts';
import { wordsOf } from './words.ts';

/** A chart for each case, as SVG. */
export type Charts = Record<Case['name'], string>;

export function html(summary: Summary, charts: Charts): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>flashsale: with and without the queue</title>
<style>${STYLE}</style>
<main>
<h1>With and without the queue</h1>
<p>The same crowd for the same sale, once with messages (queued), once with calls (direct).
<code>${text(summary.command)}</code></p>
${verdict(summary)}
${words(summary)}
${summary.cases.map((each) => caseSection(each, charts[each.name])).join('\n')}
<h2>Measured on</h2>
${list(environment(summary))}
${runs(summary)}
</main>
</html>
`;
}

function verdict({ valid, invalid, runs }: Summary): string {
  if (valid)
    return `<p class="good">✓ All ${runs.length} runs count: no iteration dropped, the generator in time, every check of every audit holds.</p>`;
  return `<div class="bad">✗ These figures do not count:${list(invalid)}</div>`;
}

function words(summary: Summary): string {
  const { gives, costs, noHelp } = wordsOf(summary);
  return [
    ['What the queue gives', gives],
    ['What it costs', costs],
    ['Where it does not help', noHelp],
  ]
    .map(([title, sentences]) => `<h2>${title}</h2>\n${list(sentences as string[])}`)
    .join('\n');
}

function caseSection({ roads, ...each }: Summary['cases'][number], chart: string): string {
  const { name, title, units, buyers, seconds, chargesPerSecond } = each;
  return `<h2>${name === 'peak' ? 'Peak' : 'Calm'}: ${title}</h2>
<p>${count(buyers)} buyers within ${seconds} s, each once, want ${count(units)} units; the bank takes ${count(chargesPerSecond)} charges/s.
Medians of ${roads.queued.yes?.runs.length} runs on each road, least and most in brackets; the chart shows the run that sold a middling number, the others faintly.</p>
${chart}
${SECTIONS.map(
  (
    section,
  ) => `<table class="figures"><thead><tr><th>${section.title}</th><th>queued</th><th>direct</th></tr></thead><tbody>
${section.metrics.map((metric) => row(metric, roads.queued[metric.key], roads.direct[metric.key])).join('\n')}
</tbody></table>${section.note ? `<p class="note">${section.note}</p>` : ''}`,
).join('\n')}`;
}

const row = ({ label, unit }: Metric, queued: RunSpread | undefined, direct: RunSpread | undefined) =>
  `<tr><td>${label}</td><td>${cell(queued, unit)}</td><td>${cell(direct, unit)}</td></tr>`;

/** The median, and in brackets the least and the most where they are not told alike. */
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

const environment = ({ environment: machine, configuration }: Summary): string[] => [
  ...describeEnvironment(machine),
  `k6 ${machine.k6}; crowd, shop and servers on the same machine`,
  ...describeConfiguration(configuration),
];

function runs({ runs }: Summary): string {
  const rows = runs.map((run) => {
    const { audit, k6, invalid } = run;
    const late = `${duration(k6.lateMs.p99)} · ${duration(k6.lateMs.max)}`;
    return `<tr><td>${describeRun(run)}</td><td>${audit.holding} of ${audit.checks}</td><td>${k6.dropped}</td><td>${late}</td><td>${text(invalid.map(({ why }) => why).join('; ')) || '✓'}</td></tr>`;
  });
  return `<h2>Every run</h2>
<table><thead><tr><th>in the order in which they were made</th><th>audit: checks hold</th><th>dropped</th><th>clicks sent late, p99 · most</th><th>counts</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table>`;
}

const list = (lines: string[]) => `<ul>\n${lines.map((line) => `<li>${text(line)}</li>`).join('\n')}\n</ul>`;

const ESCAPED: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const text = (raw: string) => raw.replace(/[&<>"]/g, (found) => ESCAPED[found] as string);

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2128; background: #fff; margin: 0 }
main { max-width: 900px; margin: 0 auto; padding: 24px 20px 60px }
h1 { font-size: 26px; margin: 8px 0 } h2 { font-size: 19px; margin: 32px 0 8px }
table { border-collapse: collapse; width: 100%; margin: 14px 0 4px; font-variant-numeric: tabular-nums }
th { text-align: left; border-bottom: 2px solid #c9ced6; padding: 4px 8px } td { border-bottom: 1px solid #e6e9ed; padding: 3px 8px }
th + th, td + td { text-align: right } .figures { table-layout: fixed } .figures th + th { width: 29% } td + td { white-space: nowrap } small, .note { color: #636c78 } .note { font-size: 13px; margin: 2px 8px }
svg { width: 100%; height: auto; margin: 6px 0 } code { background: #f2f4f6; padding: 1px 5px; border-radius: 4px }
.good { background: #e8f6ee; padding: 8px 12px; border-radius: 6px } .bad { background: #fdecea; padding: 8px 12px; border-radius: 6px }
`;
