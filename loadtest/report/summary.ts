// Runs into figures with their spread: what summary.json holds and every page is made of.
import type { Environment } from '../figures/environment.ts';
import { spread } from '../figures/spread.ts';
import { METRICS, type RunFacts } from './metrics.ts';
import type { Case, Configuration, Plan, Road } from './plan.ts';
import type { Invalid } from './validity.ts';

/** All null where a run has no such figure: a median of fewer runs would look like one of all. */
export interface RunSpread {
  median: number | null;
  min: number | null;
  max: number | null;
  runs: (number | null)[];
}

export interface CountedRun {
  case: Case['name'];
  road: Road;
  round: number;
  facts: RunFacts;
  /** Why it does not count; empty when it does. */
  invalid: Invalid[];
  /** The audit at its end. */
  audit: { checks: number; holding: number };
  k6: { dropped: number; lateMs: { p99: number; max: number } };
}

export type RoadSummary = Record<string, RunSpread>;

export interface Summary {
  command: string;
  valid: boolean;
  invalid: string[];
  environment: Environment & { k6: string };
  configuration: Configuration;
  cases: (Case & { roads: Record<Road, RoadSummary> })[];
  runs: Omit<CountedRun, 'facts'>[];
}

export interface Told {
  command: string;
  environment: Summary['environment'];
  configuration: Summary['configuration'];
  plan: Plan;
  runs: CountedRun[];
}

export function summaryOf({ command, environment, configuration, plan, runs }: Told): Summary {
  const road = (name: Case['name'], road: Road) =>
    roadSummary(runs.filter((run) => run.case === name && run.road === road));
  const invalid = runs.flatMap((run) => run.invalid.map(({ why }) => `${describeRun(run)}: ${why}`));
  return {
    command,
    valid: invalid.length === 0,
    invalid,
    environment,
    configuration,
    cases: plan.cases.map((each) => ({
      ...each,
      roads: { queued: road(each.name, 'queued'), direct: road(each.name, 'direct') },
    })),
    runs: runs.map(({ facts: _, ...run }) => run),
  };
}

export const describeRun = ({ case: name, road, round }: Pick<CountedRun, 'case' | 'road' | 'round'>) =>
  `${name}, ${road}, run ${round}`;

const roadSummary = (runs: CountedRun[]): RoadSummary =>
  Object.fromEntries(METRICS.map((metric) => [metric.key, spreadOf(runs.map((run) => metric.of(run.facts)))]));

export function spreadOf(values: (number | null)[]): RunSpread {
  const runs = values.map((value) => (value === null ? null : rounded(value)));
  const known = runs.filter((value) => value !== null);
  if (known.length < runs.length || known.length === 0) return { median: null, min: null, max: null, runs };
  const { median, min, max } = spread(known);
  return { median: rounded(median), min, max, runs };
}

/** To a hundredth: finer than anything here can be measured. */
const rounded = (value: number) => Math.round(value * 100) / 100;
