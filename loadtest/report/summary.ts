// Runs into figures with their spread: every figure of the report, and the content of summary.json.
import type { Environment } from '../figures/environment.ts';
import { type Percentiles, spread } from '../figures/figures.ts';
import type { Case, Configuration, Mode, Plan } from './plan.ts';
import type { Ran, RunFacts } from './run.ts';

export type Unit = 'count' | 'perSecond' | 'ms' | 'cpuMs';
export type Metric = [key: string, label: string, unit: Unit, of: (run: RunFacts) => number | null];

const ranks = (key: string, label: string, of: (run: RunFacts) => Percentiles): Metric[] =>
  (['p50', 'p95', 'p99', 'max'] as const).map((rank) => {
    return [`${key}.${rank}`, `${label}, ${rank}`, 'ms', (run) => of(run)[rank]];
  });

/** The processes that are measured; the pretend bank and the load stand apart. */
const SHOP = ['gateway', 'orders', 'inventory', 'payment', 'postgres', 'redis', 'rabbitmq'];

const cpu = (key: string, label = key, processes = [key]): Metric => [
  ...([`cpuMsPerConfirmed.${key}`, label, 'cpuMs'] as const),
  ({ cpuSeconds, figures: { confirmed } }) => {
    if (confirmed === 0 || processes.some((name) => cpuSeconds[name] === undefined)) return null;
    return (processes.reduce((sum, name) => sum + (cpuSeconds[name] ?? 0), 0) * 1_000) / confirmed;
  },
];

export const SECTIONS: { title: string; note?: string; metrics: Metric[] }[] = [
  {
    title: 'The load and the sale',
    note: 'Refused while stock lasted: before the last unit that was sold at all had been clicked.',
    metrics: [
      ['offeredPerSecond', 'clicks offered', 'perSecond', ({ rates }) => rates.offered],
      ['yesPerSecond', 'yes, up to the last click', 'perSecond', ({ rates }) => rates.yes],
      ['confirmedPerSecond.burst', 'confirmed, up to the last click', 'perSecond', ({ rates }) => rates.burst],
      ['confirmedPerSecond.end', 'confirmed, from first click to last decision', 'perSecond', ({ rates }) => rates.end],
      ['bankPerSecond', 'charges by the bank, from its first to its last', 'perSecond', ({ rates }) => rates.bank],
      ['confirmed.burst', 'sold by the last click', 'count', ({ figures }) => figures.confirmedAtLastClick],
      ['confirmed.end', 'sold in the end', 'count', ({ figures }) => figures.confirmed],
      ['unsold', 'unsold', 'count', ({ figures }) => figures.unsold],
      [
        'refusedWhileStockLasted',
        'refused while stock lasted',
        'count',
        ({ figures }) => figures.refusedWhileStockLasted,
      ],
    ],
  },
  {
    title: 'Outcomes',
    metrics: [
      ['yes', 'yes', 'count', ({ figures }) => figures.yes],
      ['no.soldOut', 'no: sold out (410)', 'count', ({ figures }) => figures.no.soldOut],
      ['no.busy', 'no: busy, nothing happened (503)', 'count', ({ figures }) => figures.no.busy],
      ['no.tooLate', 'no: not decided by the deadline (409)', 'count', ({ figures }) => figures.no.tooLate],
      ['no.limit', 'no: limit or already bought (409)', 'count', ({ figures }) => figures.no.limit],
      ['no.notOpen', 'no: not open (403)', 'count', ({ figures }) => figures.no.notOpen],
      ['timedOut', 'timed out (504, or no response)', 'count', ({ figures }) => figures.timedOut],
      ['errors', 'errors', 'count', ({ figures }) => figures.errors],
      ['unknown', 'orders without a final result in the end', 'count', ({ figures }) => figures.unknown],
    ],
  },
  {
    title: 'How long they waited',
    note: 'From when a click was due, whenever it was sent, until the response, or until the orders database decided.',
    metrics: [
      ...ranks('yesMs', 'yes', ({ figures }) => figures.responseMs.yes),
      ...ranks('noMs', 'no', ({ figures }) => figures.responseMs.no),
      ...ranks('clickToFinalMs', 'click to final result', (run) => run.clickToDecidedMs).slice(0, 3),
      ['longestQueue', 'longest queue', 'count', ({ figures }) => figures.longestQueue],
      ['drainedMs', 'last decision, after the last click', 'ms', ({ figures }) => figures.drainedMs],
    ],
  },
  {
    title: 'CPU time per confirmed order',
    note: 'Refusals included: everything that a process did in the run, divided by the orders sold.',
    metrics: [
      cpu('total', 'the shop, all of the following', SHOP),
      ...SHOP.map((name) => cpu(name)),
      cpu('bank', 'apart: the bank'),
      cpu('k6', 'apart: k6, the load'),
    ],
  },
];

export const METRICS = SECTIONS.flatMap(({ metrics }) => metrics);

export type RunSpread = ReturnType<typeof spreadOf>;
export type Summary = ReturnType<typeof summaryOf>;

export type Measured = { command: string; environment: Environment & { k6: string }; configuration: Configuration };

export function summaryOf(measured: Measured, plan: Plan, runs: Ran[]) {
  const invalid = runs.flatMap((run) => run.invalid.map(({ why }) => `${describeRun(run)}: ${why}`));
  const modeOf = (name: Case['name'], mode: Mode): Record<string, RunSpread> => {
    const facts = runs.filter((run) => run.case === name && run.mode === mode).map((run) => run.facts);
    return Object.fromEntries(METRICS.map(([key, , , of]) => [key, spreadOf(facts.map(of))]));
  };
  const modesOf = ({ name }: Case) => ({ queued: modeOf(name, 'queued'), direct: modeOf(name, 'direct') });
  return {
    ...{ ...measured, valid: invalid.length === 0, invalid },
    cases: plan.cases.map((each) => ({ ...each, modes: modesOf(each) })),
    runs: runs.map(({ facts: _, timeline: __, k6Summary: ___, ...run }) => run),
  };
}

export const describeRun = ({ case: name, mode, nth }: Pick<Ran, 'case' | 'mode' | 'nth'>) =>
  `${name}, ${mode}, run ${nth}`;

/** All null where a run has no such figure: a median of fewer runs would pass for one of all. */
export function spreadOf(values: (number | null)[]) {
  const runs = values.map((value) => (value === null ? null : rounded(value)));
  const known = runs.filter((value) => value !== null);
  if (known.length < runs.length || known.length === 0) return { median: null, min: null, max: null, runs };
  const { median, min, max } = spread(known);
  return { median: rounded(median), min, max, runs };
}

/** To a hundredth: finer than anything here can be measured. */
const rounded = (value: number) => Math.round(value * 100) / 100;
