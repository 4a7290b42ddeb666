// Options that scripts share, with thresholds for each mode or rung, and the lines that they print beside k6's table.
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import type { Options, Scenario } from 'k6/options';
import { type Mode, modes } from './knobs.ts';
import { dueNow, type Rung, rungNow, waitedMs } from './shapes.ts';

type Thresholds = Record<string, string[]>;
type Tags = Record<string, string | number>;

/** A threshold that always holds: k6 shows only those parts of a metric that have one. */
export const SHOWN = 'count>=0';
export const inEach = (rule: string): Record<Mode, string> => ({ queued: rule, direct: rule });

interface BothModes extends Omit<Options, 'thresholds'> {
  arrivals: Scenario;
  apartSeconds: number;
  /** A list holds for the whole run, an object for the metric's part with the tag `mode`. */
  thresholds: Record<string, string[] | Record<Mode, string>>;
}

/** The same arrivals in each mode, which names the scenario and tags everything. No click may be dropped. */
export function bothModes({ arrivals, apartSeconds, thresholds, scenarios, ...options }: BothModes): Options {
  const inMode = modes().map((mode, i) => [mode, { ...arrivals, tags: { mode }, startTime: `${i * apartSeconds}s` }]);
  const rules = Object.entries(thresholds).flatMap(([metric, rule]) => {
    if (Array.isArray(rule)) return [[metric, rule]];
    const [name, tags] = metric.split('{');
    return modes().map((mode) => [`${name}{mode:${mode}${tags ? `,${tags}` : '}'}`, [rule[mode]]]);
  });
  const all = { ...Object.fromEntries(inMode), ...scenarios };
  const dropped_iterations = ['count==0'];
  return { ...options, scenarios: all, thresholds: { dropped_iterations, ...Object.fromEntries(rules) } };
}

/** The mode of the scenario that runs now. */
export const modeNow = () => exec.vu.metrics.tags.mode as Mode;

/** The argument of `handleSummary`. */
export interface Data {
  metrics: Record<string, { values: Record<string, number>; thresholds?: Record<string, { ok: boolean }> }>;
}

const part = (metric: string, tags: Tags) => `${metric}{${Object.entries(tags).map((tag) => tag.join(':'))}}`;

/** A statistic of that part of a metric which has these tags, and a threshold. */
export const value = ({ metrics }: Data, metric: string, statistic: string, tags: Tags) =>
  metrics[part(metric, tags)]?.values[statistic] ?? 0;

/** For `handleSummary`: the lines, then every threshold that could fail. */
export function print({ metrics }: Data, lines: string[]) {
  const thresholds = Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds)
      .filter(([rule]) => !rule.endsWith('>=0'))
      .map(([rule, { ok }]) => `  ${ok ? '✓' : '✗'} ${name} ${rule}`),
  );
  return { stdout: ['', ...lines, '', ...thresholds, '', ''].join('\n') };
}

/** A rung holds while nearly all clicks get a yes, soon; a generator that is later than this has measured itself. */
const [LEAST_YES, LONGEST_P99_MS, LATEST_P99_MS] = [0.99, 1_000, 250];

const done = new Counter('done');
const responded = new Trend('responded', true);
const late = new Trend('late', true);

export const climbing = ({ rungs, thresholds }: { rungs: Rung[]; thresholds: Thresholds }): Options => ({
  summaryTrendStats: ['med', 'p(99)', 'max'],
  scenarios: Object.fromEntries(rungs.map(({ scenarioName, scenario }) => [scenarioName, scenario])),
  thresholds: Object.assign({}, thresholds, ...rungs.map(thresholdsOf)),
});

/** The knee is a figure of the machine and gates nothing; the lowest rung holds on any machine. */
function thresholdsOf({ scenarioName, tags, buyers, clicksBefore }: Rung): Thresholds {
  const shown = { [part('responded', tags)]: ['max>=0'], [part('late', tags)]: ['max>=0'] };
  if (clicksBefore > 0) return { ...shown, [part('done', tags)]: [SHOWN] };
  const whole = { [part('dropped_iterations', { scenario: scenarioName })]: ['count==0'] };
  return { ...shown, ...whole, [part('done', tags)]: [`count>=${buyers * LEAST_YES}`] };
}

type Send = (index: number, name: string) => boolean | Promise<boolean>;
/** Sends the click that is due on the rung of this scenario, if one is; `send` returns whether it got its yes. */
export async function climb(rungs: Rung[], send: Send): Promise<void> {
  const rung = rungNow(rungs);
  const due = rung && dueNow(rung);
  if (!due) return;
  late.add(waitedMs(due));
  const isDone = await send(rung.clicksBefore + due.index, rung.name);
  responded.add(waitedMs(due));
  if (isDone) done.add(1);
}

/** For each name: the last rung that held with all below it, why the next did not, and the figures of every rung. */
export function kneeLines(data: Data, rungs: Rung[]): string[] {
  return [...new Set(rungs.map(({ name }) => name))].flatMap((name) => {
    const figures = rungs.filter((rung) => rung.name === name).map((rung) => figuresOf(data, rung));
    const broken = figures.findIndex(({ why }) => why);
    const holds = broken === 0 ? 'holds none of them' : `holds ${figures.at(broken === -1 ? -1 : broken - 1)?.rate}`;
    const { rate, why } = figures[broken] ?? {};
    const end = rate ? `breaks at ${rate}: ${why}` : 'the highest that was tried (TOP=… sets it)';
    return [`${name}: ${holds}, ${end}`, ...figures.map(({ line }) => `  ${line}`)];
  });
}

function figuresOf(data: Data, { perSecond, buyers, tags }: Rung) {
  const yes = value(data, 'done', 'count', tags) / buyers;
  const [p50, p99] = [value(data, 'responded', 'med', tags), value(data, 'responded', 'p(99)', tags)];
  const lateP99 = value(data, 'late', 'p(99)', tags);
  const [rate, percent, times] = [`${perSecond}/s`, `${(yes * 100).toFixed(1)} %`, `p50 ${ms(p50)} p99 ${ms(p99)}`];
  const tooLate = lateP99 > LATEST_P99_MS && `the generator itself was late (p99 ${ms(lateP99).trim()})`;
  const tooFew = yes < LEAST_YES && `only ${percent} got a yes`;
  const tooSlow = p99 > LONGEST_P99_MS && `responses took ${ms(p99).trim()} (p99)`;
  const line = `${rate.padStart(7)}  yes ${percent.padStart(7)}  response ${times}  sent late p99 ${ms(lateP99)}`;
  return { rate, line, why: tooLate || tooFew || tooSlow };
}

const ms = (value: number) => `${Math.round(value)} ms`.padStart(8);
