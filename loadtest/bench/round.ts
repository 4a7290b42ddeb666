// One round: everything once, ours and the reference side by side, who goes first alternating from round to round.
import { answerTimes } from './decoupling.ts';
import { drain } from './drain.ts';
import { untilWorkedOff } from './line.ts';
import { acceptCost, referenceSale, refusalCost } from './per-request.ts';
import type { RatioName, Row, Whose } from './ratios.ts';
import { measureSteady, type Say } from './steady.ts';
import type { Venue } from './venue.ts';

export interface Round {
  number: number;
  say: Say;
  onRow: (row: Row) => void;
}

export interface RoundResult {
  rows: Row[];
  /** CPU milliseconds of each process for each confirmed order, in the steady state. */
  cpuMs: Record<string, number>;
}

type Note = (ratio: RatioName, of: Whose, value: number, detail: object) => void;
/** Answers what ours came to. */
type InTurn = <T>(measure: { ours: () => Promise<T>; reference: () => Promise<void> }) => Promise<T>;

export async function runRound(venue: Venue, { number, say, onRow }: Round): Promise<RoundResult> {
  const rows: Row[] = [];
  const note: Note = (ratio, of, value, detail) => {
    const row = { round: number, ratio, of, value, detail };
    rows.push(row);
    onRow(row);
  };
  const inTurn = number % 2 === 1 ? oursFirst : referenceFirst;

  say('warming up, uncounted');
  await warmUp(venue);
  await refusals(venue, inTurn, note);
  const guess = await acceptAndDrain(venue, inTurn, note);
  const { held, rate } = await inTurn({
    async ours() {
      const steady = await measureSteady(venue, guess, say);
      note('steady', 'ours', steady.perSecond, steady);
      return steady;
    },
    reference: () => runLedger(venue, 'steady', note),
  });
  await decoupling(venue, { rate: Math.round(rate / 2), inTurn, note, say });
  const cpuMs = Object.entries(held.cpuSeconds).map(([name, used]) => [name, (used * 1_000) / held.confirmed] as const);
  return { rows, cpuMs: Object.fromEntries(cpuMs) };
}

const oursFirst: InTurn = async ({ ours, reference }) => {
  const result = await ours();
  await reference();
  return result;
};

const referenceFirst: InTurn = async ({ ours, reference }) => {
  await reference();
  return ours();
};

async function warmUp(venue: Venue): Promise<void> {
  const { sales, ledger, settings, signal } = venue;
  const { orders, seconds } = settings.warmUp;
  const { saleId, url } = await sales.ample();
  await acceptCost(venue, 'ours', url, orders);
  await untilWorkedOff(venue, saleId);
  await acceptCost(venue, 'reference', referenceSale(venue, 'warmUp'), orders);
  const soldOut = await sales.soldOut();
  for (const whose of ['ours', 'reference'] as const) await refusalCost(venue, whose, soldOut.url, seconds);
  await ledger.run({ seconds }, signal);
}

async function refusals(venue: Venue, inTurn: InTurn, note: Note): Promise<void> {
  const { url } = await venue.sales.soldOut();
  const refuse = async (whose: Whose) => {
    const cost = await refusalCost(venue, whose, url, venue.settings.refusalSeconds);
    note('refusal', whose, cost.perCpuSecond, cost);
  };
  await inTurn({ ours: () => refuse('ours'), reference: () => refuse('reference') });
}

/**
 * Orders is away while they are accepted: what is measured is the yes, and then the line that it left.
 * Answers how many orders a second that makes when one follows the other; about as many go when both are done at once.
 */
function acceptAndDrain(venue: Venue, inTurn: InTurn, note: Note): Promise<number> {
  const { sales, orders, settings } = venue;
  return inTurn({
    async ours() {
      const { saleId, url } = await sales.ample();
      await orders.stop();
      const accepted = await acceptCost(venue, 'ours', url, settings.orders);
      note('accept', 'ours', accepted.perCpuSecond, accepted);
      const drained = await drain(venue, saleId);
      note('drain', 'ours', drained.perSecond, drained);
      return settings.orders / (accepted.seconds + drained.seconds);
    },
    async reference() {
      const accepted = await acceptCost(venue, 'reference', referenceSale(venue, 'counted'), settings.orders);
      note('accept', 'reference', accepted.perCpuSecond, accepted);
      await runLedger(venue, 'drain', note);
    },
  });
}

async function runLedger({ ledger, settings, signal }: Venue, ratio: 'drain' | 'steady', note: Note): Promise<void> {
  const result = await ledger.run({ seconds: settings.pgbenchSeconds }, signal);
  note(ratio, 'reference', result.perSecond, result);
}

type Half = { rate: number; inTurn: InTurn; note: Note; say: Say };

async function decoupling(venue: Venue, { rate, inTurn, note, say }: Half): Promise<void> {
  const ask = async (whose: Whose) => {
    const times = await answerTimes(venue, whose, rate, say);
    note('decoupling', whose, times.p99, times);
  };
  await inTurn({ ours: () => ask('ours'), reference: () => ask('reference') });
}
