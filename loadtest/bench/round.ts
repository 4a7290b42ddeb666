// One round: each ratio once, ours and the reference side by side; which goes first alternates from round to round.
import { percent } from '../figures/format.ts';
import type { Environment } from './environment.ts';
import type { RatioName, Row, Whose } from './report.ts';
import { measureSteady } from './steady.ts';

type Round = Environment & { note(ratio: RatioName, of: Whose, value: number, detail: object): void };

const ACCEPTED_WITHIN_S = 120;
const MOST_TRIES = 3;
/** More clicks sent late than the 99th percentile leaves out would make it say nothing. */
const MOST_LATE = 0.01;

/** Returns the CPU milliseconds of each process for each confirmed order, in the steady state. */
export async function runRound(environment: Environment, number: number, onRow: (row: Row) => void) {
  const note: Round['note'] = (ratio, of, value, detail) => onRow({ round: number, ratio, of, value, detail });
  const round = { ...environment, note };
  const inTurn = async <T>(ours: () => Promise<T>, reference: () => Promise<unknown>): Promise<T> => {
    if (number % 2 === 0) await reference();
    const result = await ours();
    if (number % 2 === 1) await reference();
    return result;
  };
  const each = <T>(measure: (whose: Whose) => Promise<T>) =>
    inTurn(
      () => measure('ours'),
      () => measure('reference'),
    );
  environment.log('warming up, uncounted');
  await warmUp(round);
  const soldOut = await environment.openSoldOutSale();
  await each((whose) => refusal(round, whose, soldOut));
  const guess = await each((whose) => acceptAndDrain(round, whose));
  const { rate, held } = await inTurn(
    () => steady(round, guess),
    () => pgbench(round, 'steady'),
  );
  await each((whose) => decoupling(round, whose, Math.round(rate / 2)));
  const perOrder = Object.entries(held.cpuSeconds).map(([name, used]) => [name, (used * 1_000) / held.confirmed]);
  return Object.fromEntries(perOrder) as Record<string, number>;
}

async function warmUp(round: Round): Promise<void> {
  const { orders, seconds } = round.settings.warmUp;
  const saleId = await round.openSale();
  await acceptCost(round, 'ours', saleId, orders);
  await round.untilWorkedOff(saleId);
  await acceptCost(round, 'reference', round.accept.saleIds.warmUp, orders);
  const soldOut = await round.openSoldOutSale();
  for (const whose of ['ours', 'reference'] as const) await refusalCost(round, whose, soldOut, seconds);
  await round.ledger.run({ seconds }, round.signal);
}

function refusalCost(round: Round, whose: Whose, saleId: string, seconds: number) {
  const tested = whose === 'ours' ? round.gateway : round.refusal;
  return round.cost(tested, `refusal, ${whose}`, 410, { saleId, connections: round.settings.connections, seconds });
}

async function refusal(round: Round, whose: Whose, saleId: string): Promise<void> {
  const cost = await refusalCost(round, whose, saleId, round.settings.refusalSeconds);
  round.note('refusal', whose, cost.perCpuSecond, cost);
}

/** `saleId`: a sale with ample stock, at which none of the buyers has been. */
function acceptCost(round: Round, whose: Whose, saleId: string, clicks: number) {
  const tested = whose === 'ours' ? round.gateway : round.accept;
  const { connections } = round.settings;
  return round.cost(tested, `accept, ${whose}`, 202, { saleId, connections, clicks, seconds: ACCEPTED_WITHIN_S });
}

/**
 * The orders service is away while orders are accepted; what it then works off is the queue that they made.
 * Returns how many a second go through both, one after the other: about as many as when both are done at once.
 */
async function acceptAndDrain(round: Round, whose: Whose): Promise<number> {
  const count = round.settings.orders;
  const saleId = whose === 'ours' ? await round.openSale() : round.accept.saleIds.counted;
  if (whose === 'ours') await round.orders.stop();
  const accepted = await acceptCost(round, whose, saleId, count);
  round.note('accept', whose, accepted.perCpuSecond, accepted);
  const drained = whose === 'ours' ? await drain(round, saleId) : await pgbench(round, 'drain');
  return count / (accepted.seconds + count / drained.perSecond);
}

const WORK = `SELECT count(*)::int AS orders, count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
  (extract(epoch FROM max(decided_at) - min(created_at)))::float AS seconds FROM orders WHERE sale_id = $1`;

/** From the first row to the last decision, by the database's clock: the start of the process is no part of it. */
async function drain(round: Round, saleId: string) {
  const queued = await round.queued(saleId);
  await round.orders.start();
  await round.untilWorkedOff(saleId);
  const { rows } = await round.stores.orders.query(WORK, [saleId]);
  const { orders, confirmed, seconds } = rows[0];
  if (orders < queued || confirmed !== orders)
    throw new Error(`of ${queued} queued orders ${orders} arrived and ${confirmed} were confirmed`);
  const drained = { perSecond: orders / seconds, orders, seconds };
  round.note('drain', 'ours', drained.perSecond, drained);
  return drained;
}

async function pgbench({ ledger, settings, signal, note }: Round, ratio: 'drain' | 'steady') {
  const written = await ledger.run({ seconds: settings.pgbenchSeconds }, signal);
  note(ratio, 'reference', written.perSecond, written);
  return written;
}

async function steady(round: Round, guess: number) {
  const found = await measureSteady(round, guess);
  round.note('steady', 'ours', found.perSecond, found);
  return found;
}

/** The 99th percentile of a queued answer at a bank that takes a part of the arrivals, and at one without limit. */
async function decoupling(round: Round, whose: Whose, rate: number): Promise<void> {
  const { seconds, slowBank } = round.settings.decoupling;
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const saleId = await round.openSale();
    await round.bank.change({ chargesPerSecond: whose === 'ours' ? rate * slowBank : 0 });
    const clicks = { saleId, seconds, clicks: rate * seconds };
    const { latencyMs, requests, lateShare } = await round.send(`decoupling, ${whose}`, 202, clicks);
    await round.bank.change({ chargesPerSecond: 0 });
    await round.untilWorkedOff(saleId);
    if (lateShare <= MOST_LATE)
      return round.note('decoupling', whose, latencyMs.p99, { ...latencyMs, rate, answers: requests, lateShare });
    round.log(`decoupling at ${rate}/s: ${percent(lateShare)} of the clicks were sent late, not counted`);
  }
  throw new Error(`${rate} clicks a second cannot be kept up here: the machine is too busy with something else`);
}
