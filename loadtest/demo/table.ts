// Both roads side by side, and the settings they were measured with; 80 columns.
import type { Percentiles, RoadFigures } from '../figures/figures.ts';
import { count, duration, percent } from '../figures/format.ts';
import type { RoadRun } from './demo.ts';
import type { Settings } from './settings.ts';

const LABEL = 44;
const COLUMN = 17;

export type Column = Pick<RoadRun, 'figures' | 'bankIdleShare'>;

/**
 * The first rows add up to all who clicked. With the sentences and the verdict below it, it fits a screen of 24 lines,
 * and a line about its ending too.
 */
export function table(queued: Column, direct: Column): string[] {
  const row = (label: string, figure: (road: RoadFigures) => string | number) =>
    cells(label, text(figure(queued.figures)), text(figure(direct.figures)));
  return [
    cells(`of ${count(queued.figures.offered)} who clicked`, 'queued', 'direct'),
    '─'.repeat(LABEL + 2 * COLUMN),
    row('  said yes', (road) => road.yes),
    row('  said no: sold out · busy · too late', ({ no }) => list(no.soldOut, no.busy, no.tooLate)),
    row('  other no · no answer in time · errors', ({ no, unanswered, errors }) =>
      list(no.limit + no.notOpen, unanswered, errors),
    ),
    row('turned away while units were unsold', (road) => road.turnedAwayWhileUnsold),
    row('sold when the crowd had left · in the end', (road) => list(road.confirmedWhenCrowdLeft, road.confirmed)),
    row('left unsold · unknown at the end', (road) => list(road.unsold, road.unknown)),
    row('until a yes              p50 / p99', (road) => both(road.answerMs.yes)),
    row('until a no               p50 / p99', (road) => both(road.answerMs.no)),
    row('click to final result    p50 / p99', (road) => both(road.clickToFinalMs)),
    row(
      'longest line · last result after the crowd',
      (road) => `${count(road.peakLine)} · ${duration(road.drainedMs)}`,
    ),
    cells('bank idle until the crowd had left', percent(queued.bankIdleShare), percent(direct.bankIdleShare)),
    '─'.repeat(LABEL + 2 * COLUMN),
  ];
}

const list = (...counts: number[]) => counts.map(count).join(' · ');

/** A column that needs more room takes it from the label's. */
function cells(label: string, ...columns: string[]): string {
  const right = columns.map((column) => ` ${column}`.padStart(COLUMN)).join('');
  return `${label.padEnd(LABEL + 2 * COLUMN - right.length)}${right}`;
}

const text = (figure: string | number) => (typeof figure === 'number' ? count(figure) : figure);
const both = ({ p50, p99 }: Percentiles) => `${duration(p50)} / ${duration(p99)}`;

/** Of somebody else's stack it is not known how its gateways were set, and no accident happens there. */
export function describeSettings(settings: Settings, ownStack: boolean): string[] {
  const { units, buyers, crowdSeconds, clientTimeoutMs, bank, direct, warmUp, accident } = settings;
  const own = [
    `direct: deadline ${duration(direct.deadlineMs)}, at most ${count(direct.maxInFlight)} calls in flight per gateway`,
    `accident: ${count(accident.buyers)} buyers in ${accident.crowdSeconds} s, ${count(accident.units)} units, queued; orders is killed at ${count(accident.killedAtYes)} yes`,
  ];
  return [
    `${count(units)} units, ${count(buyers)} buyers in ${crowdSeconds} s, evenly, each once, waiting at most ${duration(clientTimeoutMs)}`,
    `bank: ${bank.chargesPerSecond} charges/s, then p50 ${bank.latencyMs.p50} ms, p99 ${bank.latencyMs.p99} ms; declines ${bank.declineRate}, errors ${bank.errorRate}, late ${bank.lateRate}`,
    ...(ownStack ? own : []),
    `warmed, uncounted: ${count(warmUp.buyers)} buyers on each road, at a bank without limit`,
  ];
}
