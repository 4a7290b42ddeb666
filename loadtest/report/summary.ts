// From runs to figures with their spread: the content of summary.json, and the sentences that it bears.
import type { Environment } from '../figures/environment.ts';
import { spread } from '../figures/figures.ts';
import { count } from '../figures/format.ts';
import { type Compared, calls, cost, cpuTime, gain, type PathFigures, speed } from '../figures/sentences.ts';
import { METRICS } from './metrics.ts';
import type { Case, Configuration, Plan, Road } from './plan.ts';
import type { Ran } from './run.ts';

/** What the summary takes of a run. */
export type CountedRun = Omit<Ran, 'timeline' | 'k6Summary'>;
export type RunSpread = ReturnType<typeof spreadOf>;
export type RoadSummary = Record<string, RunSpread>;
export type Summary = ReturnType<typeof summaryOf>;

export interface Measured {
  command: string;
  environment: Environment & { k6: string };
  configuration: Configuration;
  plan: Plan;
  runs: CountedRun[];
}

export function summaryOf({ command, environment, configuration, plan, runs }: Measured) {
  const roadOf = (name: Case['name'], road: Road): RoadSummary => {
    const facts = runs.filter((run) => run.case === name && run.road === road).map((run) => run.facts);
    return Object.fromEntries(METRICS.map(([key, , , of]) => [key, spreadOf(facts.map(of))]));
  };
  const invalid = runs.flatMap((run) => run.invalid.map(({ why }) => `${describeRun(run)}: ${why}`));
  const cases = plan.cases.map((each) => ({
    ...each,
    roads: { queued: roadOf(each.name, 'queued'), direct: roadOf(each.name, 'direct') },
  }));
  const counted = runs.map(({ case: name, road, round, invalid, audit, k6 }) => ({
    ...{ case: name, road, round, invalid, audit, k6 },
  }));
  return { command, valid: invalid.length === 0, invalid, environment, configuration, cases, runs: counted };
}

export const describeRun = ({ case: name, road, round }: Pick<CountedRun, 'case' | 'road' | 'round'>) =>
  `${name}, ${road}, run ${round}`;

/** All null where a run has no such figure: a median of fewer runs would look like one of all. */
export function spreadOf(values: (number | null)[]) {
  const runs = values.map((value) => (value === null ? null : rounded(value)));
  const known = runs.filter((value) => value !== null);
  if (known.length < runs.length || known.length === 0) return { median: null, min: null, max: null, runs };
  const { median, min, max } = spread(known);
  return { median: rounded(median), min, max, runs };
}

/** To a hundredth: finer than anything here can be measured. */
const rounded = (value: number) => Math.round(value * 100) / 100;

/** The gain and the cost at the peak, and the same three sentences below capacity, where the queue does not help. */
export function wordsOf({ cases }: Pick<Summary, 'cases'>): Record<'gives' | 'costs' | 'noHelp', string[]> {
  const of = (name: Case['name']) => cases.find((each) => each.name === name) as Summary['cases'][number];
  const [peak, calm] = [of('peak'), of('calm')];
  const [atPeak, below] = [comparedOf(peak), comparedOf(calm)];
  const cpuOf = (road: Road) => peak.roads[road]['cpuMsPerConfirmed.total']?.median ?? null;
  const rates = `${count(calm.buyers / calm.seconds)}/s at a bank that takes ${count(calm.chargesPerSecond)}/s`;
  return {
    gives: [gain(atPeak), calls(atPeak), speed(atPeak)],
    costs: [cost(atPeak), cpuTime(cpuOf('queued'), cpuOf('direct'))],
    noHelp: [`Below capacity (${rates}): ${gain(below)}`, cost(below), calls(below)],
  };
}

const comparedOf = ({ units, chargesPerSecond, roads }: Summary['cases'][number]): Compared => ({
  ...{ units, chargesPerSecond, queued: figuresOf(roads.queued, units), direct: figuresOf(roads.direct, units) },
});

/** Medians; but a failure that the middle run does not have is the worst run's, so that praise holds for every run. */
function figuresOf(road: RoadSummary, units: number): PathFigures {
  const median = (key: string) => road[key]?.median ?? null;
  const failures = (key: string) => median(key) || (road[key]?.max ?? 0);
  const unsold = failures('unsold');
  return {
    ...{ unsold, confirmed: units - unsold, confirmedWhenCrowdLeft: median('confirmed.crowd') ?? 0 },
    ...{ turnedAwayWhileUnsold: failures('turnedAwayWhileUnsold'), peakLine: median('peakLine') ?? 0 },
    ...{ unanswered: failures('unanswered'), errors: failures('errors'), unknown: failures('unknown') },
    no: { busy: median('no.busy') ?? 0, tooLate: median('no.tooLate') ?? 0 },
    answerMs: { yes: { p50: median('yesMs.p50'), p99: median('yesMs.p99') } },
    clickToFinalMs: { p50: median('clickToFinalMs.p50') },
  };
}
