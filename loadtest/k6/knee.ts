// Where a ladder broke: the last rung that held, with all below it, and why the next one did not.
import { type Rung, rungScenario } from './shapes.ts';
import { type Data, value } from './summary.ts';

/** What a rung has to keep to: nearly all are told yes, and soon. What k6 had to leave out was not told yes. */
const LEAST_YES = 0.99;
const LONGEST_P99_MS = 1_000;
/** Beyond it the machine that sends is what was measured. */
const LATEST_P99_MS = 250;

/** What a climbing script fills, in milliseconds, beside the counter `done`. */
const TRENDS = ['answered', 'late'];

/** So that k6 keeps the figures of each rung apart. */
export function rungThresholds(rungs: Rung[], tags: Record<string, string>) {
  const of = (metric: string, { perSecond }: Rung) => `${metric}{${listed({ ...tags, rung: String(perSecond) })}}`;
  const shown = rungs.flatMap((rung) => [
    ...TRENDS.map((metric) => [of(metric, rung), ['max>=0']]),
    [of('done', rung), ['count>=0']],
  ]);
  // The knee is a figure of the machine and gates nothing; that the lowest rung holds is asked of any.
  const lowest = rungs.slice(0, 1).flatMap((rung) => [
    [of('done', rung), [`count>=${rung.buyers * LEAST_YES}`]],
    // k6 knows this one by scenario alone.
    [`dropped_iterations{scenario:${rungScenario(Object.values(tags)[0] ?? '', rung)}}`, ['count==0']],
  ]);
  return Object.fromEntries([...shown, ...lowest]);
}

const listed = (tags: Record<string, string>) =>
  Object.entries(tags)
    .map(([tag, text]) => `${tag}:${text}`)
    .join(',');

export function kneeLines(data: Data, name: string, rungs: Rung[], tags: Record<string, string>): string[] {
  const figures = rungs.map((rung) => figuresOf(data, rung, tags));
  const broken = figures.findIndex(({ why }) => why !== null);
  const held = figures[broken === -1 ? figures.length - 1 : broken - 1];
  const breaks = figures[broken];
  return [
    `${name}: ${held ? `holds ${held.perSecond}/s` : 'holds none of them'}${breaks ? `, breaks at ${breaks.perSecond}/s: ${breaks.why}` : ', the highest asked for (TOP=… asks for more)'}`,
    ...figures.map(({ line }) => `  ${line}`),
  ];
}

function figuresOf(data: Data, { perSecond, buyers }: Rung, tags: Record<string, string>) {
  const of = (metric: string, stat: string) => value(data, metric, stat, { ...tags, rung: perSecond });
  const [yes, p99, late] = [of('done', 'count') / buyers, of('answered', 'p(99)'), of('late', 'p(99)')];
  const percent = `${(yes * 100).toFixed(1)} %`;
  return {
    perSecond,
    why: whyBroken({ yes, p99, late, percent }),
    line: `${String(perSecond).padStart(5)}/s  yes ${percent.padStart(7)}  answer p50 ${ms(of('answered', 'med'))} p99 ${ms(p99)}  sent late p99 ${ms(late)}`,
  };
}

function whyBroken({ yes, p99, late, percent }: { yes: number; p99: number; late: number; percent: string }) {
  if (late > LATEST_P99_MS)
    return `here the generator itself was late (p99 ${ms(late).trim()}), so more cannot be said`;
  if (yes < LEAST_YES) return `only ${percent} were told yes`;
  return p99 > LONGEST_P99_MS ? `answers took ${ms(p99).trim()} (p99)` : null;
}

const ms = (value: number) => `${Math.round(value)} ms`.padStart(8);
