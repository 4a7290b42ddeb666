// Every figure of the report, each worked out from one run; the list is the order in which they are told.
import type { Percentiles, RoadFigures } from '../figures/figures.ts';

/** What one run came to, before it is told. */
export interface RunFacts {
  figures: RoadFigures;
  /** From the first click until the last one left. */
  crowdSeconds: number;
  yesWhenCrowdLeft: number;
  /** From when a click was due to the server's own time of the decision, of what was confirmed. */
  clickToDecidedMs: Percentiles;
  /** Charges of this sale, from the first one's start to the last one's end. */
  bankPerSecond: number | null;
  /** By process, from the start of k6 until everything was decided; empty where it cannot be read. */
  cpuSeconds: Record<string, number>;
}

export type Unit = 'count' | 'perSecond' | 'ms' | 'cpuMs';

export interface Metric {
  key: string;
  label: string;
  unit: Unit;
  of(run: RunFacts): number | null;
}

export interface Section {
  title: string;
  note?: string;
  metrics: Metric[];
}

type Rank = keyof Percentiles;

const of =
  (unit: Unit) =>
  (key: string, label: string, value: Metric['of']): Metric => ({ key, label, unit, of: value });
const [count, perSecond, ms] = [of('count'), of('perSecond'), of('ms')];

const answers = (kind: 'yes' | 'no', ranks: Rank[]) =>
  ranks.map((rank) => ms(`${kind}Ms.${rank}`, `${kind}, ${rank}`, ({ figures }) => figures.answerMs[kind][rank]));

const decided = (ranks: Rank[]) =>
  ranks.map((rank) =>
    ms(`clickToFinalMs.${rank}`, `click to final result, ${rank}`, (run) => run.clickToDecidedMs[rank]),
  );

/** Whoever is measured: neither the pretend bank nor the crowd. */
const SHOP = ['gateway', 'orders', 'inventory', 'payment', 'postgres', 'redis', 'rabbitmq'];
const OTHERS = ['bank', 'k6'];

const cpu = (key: string, label: string, processes: string[]): Metric => ({
  key: `cpuMsPerConfirmed.${key}`,
  label,
  unit: 'cpuMs',
  of({ cpuSeconds, figures: { confirmed } }) {
    if (confirmed === 0 || processes.some((name) => cpuSeconds[name] === undefined)) return null;
    return (processes.reduce((sum, name) => sum + (cpuSeconds[name] ?? 0), 0) * 1_000) / confirmed;
  },
});

export const SECTIONS: Section[] = [
  {
    title: 'The crowd and the sale',
    note: 'Turned away while units were unsold: refused before the last unit that was sold at all had been clicked.',
    metrics: [
      perSecond('offeredPerSecond', 'clicks offered', (run) => run.figures.offered / run.crowdSeconds),
      perSecond('yesPerSecond', 'told yes, while the crowd is there', (run) => run.yesWhenCrowdLeft / run.crowdSeconds),
      perSecond(
        'confirmedPerSecond.crowd',
        'confirmed, while the crowd is there',
        (run) => run.figures.confirmedWhenCrowdLeft / run.crowdSeconds,
      ),
      perSecond(
        'confirmedPerSecond.end',
        'confirmed, from the first click to the last decision',
        (run) => run.figures.confirmed / (run.crowdSeconds + run.figures.drainedMs / 1_000),
      ),
      perSecond('bankPerSecond', 'charges by the bank, from its first to its last', (run) => run.bankPerSecond),
      count('confirmed.crowd', 'sold when the crowd had left', (run) => run.figures.confirmedWhenCrowdLeft),
      count('confirmed.end', 'sold in the end', (run) => run.figures.confirmed),
      count('unsold', 'left unsold', (run) => run.figures.unsold),
      count('turnedAwayWhileUnsold', 'turned away while units were unsold', (run) => run.figures.turnedAwayWhileUnsold),
    ],
  },
  {
    title: 'What they were told',
    metrics: [
      count('yes', 'yes', (run) => run.figures.yes),
      count('no.soldOut', 'no: sold out (410)', (run) => run.figures.no.soldOut),
      count('no.busy', 'no: busy, nothing happened (503)', (run) => run.figures.no.busy),
      count('no.tooLate', 'no: not decided by the deadline (409)', (run) => run.figures.no.tooLate),
      count('no.limit', 'no: limit or already bought (409)', (run) => run.figures.no.limit),
      count('no.notOpen', 'no: not open (403)', (run) => run.figures.no.notOpen),
      count('unanswered', 'no answer in time (504, or none)', (run) => run.figures.unanswered),
      count('errors', 'errors', (run) => run.figures.errors),
      count('unknown', 'orders without a final result in the end', (run) => run.figures.unknown),
    ],
  },
  {
    title: 'How long they waited',
    note: 'From when a click was due, whenever it was sent. The final result by the time at which the orders database decided.',
    metrics: [
      ...answers('yes', ['p50', 'p95', 'p99', 'max']),
      ...answers('no', ['p50', 'p95', 'p99', 'max']),
      ...decided(['p50', 'p95', 'p99']),
      count('peakLine', 'longest line', (run) => run.figures.peakLine),
      ms('drainedMs', 'last decision, after the crowd had left', (run) => run.figures.drainedMs),
    ],
  },
  {
    title: 'CPU time per confirmed order',
    note: 'Refusals included: all that a process did in the run, divided by what was sold.',
    metrics: [
      cpu('total', 'the shop, all of the following', SHOP),
      ...SHOP.map((name) => cpu(name, name, [name])),
      ...OTHERS.map((name) => cpu(name, `apart: ${name === 'k6' ? 'k6, the crowd' : `the ${name}`}`, [name])),
    ],
  },
];

export const METRICS = SECTIONS.flatMap(({ metrics }) => metrics);
