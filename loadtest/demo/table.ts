// Both roads side by side, and the settings they were measured with; 80 columns.
import type { Percentiles, RoadFigures } from './figures.ts';
import { count, duration, percent } from './format.ts';
import type { RoadRun } from './road.ts';
import type { Settings } from './settings.ts';

const LABEL = 44;
const COLUMN = 17;

export type Column = Pick<RoadRun, 'figures' | 'bankIdleShare'>;

export function table(queued: Column, direct: Column): string[] {
  const row = (label: string, figure: (road: RoadFigures) => string | number) =>
    cells(label, text(figure(queued.figures)), text(figure(direct.figures)));
  const rule = '─'.repeat(LABEL + 2 * COLUMN);
  return [
    cells('', 'queued', 'direct'),
    rule,
    row('buyers who clicked', (road) => road.offered),
    row('  said yes', (road) => road.yes),
    row('  said no: sold out', (road) => road.no.soldOut),
    row('  said no: busy, nothing happened', (road) => road.no.busy),
    row('  said no: limit, not open', (road) => road.no.limit + road.no.notOpen),
    row('  outcome unknown at the end', (road) => road.unknown),
    row('  errors', (road) => road.errors),
    row('turned away while units were unsold', (road) => road.turnedAwayWhileUnsold),
    rule,
    row('sold when the crowd had left', (road) => road.confirmedWhenCrowdLeft),
    row('sold in the end', (road) => road.confirmed),
    row('left unsold', (road) => road.unsold),
    rule,
    row('until a yes              p50 / p99', (road) => both(road.answerMs.yes)),
    row('until a no               p50 / p99', (road) => both(road.answerMs.no)),
    row('click to final result    p50 / p99', (road) => both(road.clickToFinalMs)),
    row('longest line', (road) => road.peakLine),
    row('last result after the last click', (road) => duration(road.drainedMs)),
    cells('bank idle until the crowd had left', percent(queued.bankIdleShare), percent(direct.bankIdleShare)),
  ];
}

const cells = (label: string, ...columns: string[]) =>
  `${label.padEnd(LABEL)}${columns.map((column) => column.padStart(COLUMN)).join('')}`.trimEnd();

const text = (figure: string | number) => (typeof figure === 'number' ? count(figure) : figure);
const both = ({ p50, p99 }: Percentiles) => `${duration(p50)} / ${duration(p99)}`;

export function describeSettings({
  units,
  buyers,
  crowdSeconds,
  clientTimeoutMs,
  bank,
  direct,
  warmUp,
}: Settings): string[] {
  return [
    `${count(units)} units, ${count(buyers)} buyers in ${crowdSeconds} s, evenly, each once, waiting at most ${duration(clientTimeoutMs)}`,
    `bank: ${bank.chargesPerSecond} charges/s, then p50 ${bank.latencyMs.p50} ms, p99 ${bank.latencyMs.p99} ms; declines ${bank.declineRate}, errors ${bank.errorRate}, late ${bank.lateRate}`,
    `direct: deadline ${duration(direct.deadlineMs)}, at most ${count(direct.maxInFlight)} calls in flight`,
    `warmed, uncounted: ${count(warmUp.buyers)} buyers on each road, at a bank without limit`,
  ];
}
