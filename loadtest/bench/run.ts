// One run: each ratio once, ours and the reference side by side; which goes first alternates from run to run.
import { percent } from '../figures/format.ts';
import type { Environment } from './environment.ts';
import { type RatioName, type Row, SIDES, type Whose } from './report.ts';
import { measureSteady, type Steady } from './steady.ts';

type Run = Environment & { note(ratio: RatioName, of: Whose, value: number, detail: object): void };

const ACCEPTED_WITHIN_S = 120;
const MOST_TRIES = 3;

/** Returns the CPU milliseconds of each process for each confirmed order, in the steady state. */
export async function measureRun(environment: Environment, number: number, onRow: (row: Row) => void) {
  const note: Run['note'] = (ratio, of, value, detail) => onRow({ run: number, ratio, of, value, detail });
  const run = { ...environment, note };
  /** Resolves with ours. */
  const inTurn = async <T>(measure: (whose: Whose) => Promise<T>): Promise<T> => {
    const results = new Map<Whose, T>();
    for (const whose of number % 2 === 1 ? SIDES : SIDES.toReversed()) results.set(whose, await measure(whose));
    return results.get('ours') as T;
  };
  const { log, settings, accept, openSoldOutSale } = environment;
  log('warming up, uncounted');
  const uncounted = { ...run, settings: { ...settings, ...settings.warmUp }, note: () => undefined };
  const soldOut = await openSoldOutSale();
  await inTurn((whose) => refusal(uncounted, whose, soldOut));
  await inTurn((whose) => acceptAndDrain(uncounted, whose, accept.saleIds.warmUp));
  await inTurn((whose) => refusal(run, whose, soldOut));
  const guess = await inTurn((whose) => acceptAndDrain(run, whose, accept.saleIds.counted));
  const { rate, held } = (await inTurn((whose) => steady(run, whose, guess))) as Steady;
  await inTurn((whose) => decoupling(run, whose, Math.round(rate / 2)));
  const perOrder = Object.entries(held.cpuSeconds).map(([name, used]) => [name, (used * 1_000) / held.confirmed]);
  return Object.fromEntries(perOrder) as Record<string, number>;
}

async function refusal(run: Run, whose: Whose, saleId: string): Promise<void> {
  const { connections, refusalSeconds: seconds } = run.settings;
  const tested = whose === 'ours' ? run.gateway : run.refusal;
  const cost = await run.cost(tested, `refusal, ${whose}`, 410, { saleId, connections, seconds });
  run.note('refusal', whose, cost.perCpuSecond, cost);
}

/** Returns how many orders a second go through both in turn: about as many as when both are done at once. */
async function acceptAndDrain(run: Run, whose: Whose, ofReference: string): Promise<number> {
  const { connections, orders: clicks } = run.settings;
  const tested = whose === 'ours' ? run.gateway : run.accept;
  const saleId = whose === 'ours' ? await run.openSale() : ofReference;
  // The queue that it then works off is made while the orders service is away.
  if (whose === 'ours') await run.orders.stop();
  const load = { saleId, connections, clicks, seconds: ACCEPTED_WITHIN_S };
  const accepted = await run.cost(tested, `accept, ${whose}`, 202, load);
  run.note('accept', whose, accepted.perCpuSecond, accepted);
  const drained = whose === 'ours' ? await drain(run, saleId) : await pgbench(run);
  run.note('drain', whose, drained.perSecond, drained);
  return clicks / (accepted.seconds + clicks / drained.perSecond);
}

const WORK = `SELECT count(*)::int AS orders, count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
  (extract(epoch FROM max(decided_at) - min(created_at)))::float AS seconds FROM orders WHERE sale_id = $1`;

/** From the first row to the last decision, by the database's clock: the start of the process is no part of it. */
async function drain(run: Run, saleId: string) {
  const queued = await run.queued(saleId);
  await run.orders.start();
  await run.untilWorkedOff(saleId);
  const { rows } = await run.stores.orders.query(WORK, [saleId]);
  const { orders, confirmed, seconds } = rows[0];
  if (orders < queued || confirmed !== orders)
    throw new Error(`of ${queued} queued orders ${orders} arrived and ${confirmed} were confirmed`);
  return { perSecond: orders / seconds, orders, seconds };
}

const pgbench = ({ ledger, settings, signal }: Run) => ledger.run({ seconds: settings.pgbenchSeconds }, signal);

async function steady(run: Run, whose: Whose, guess: number) {
  const found = whose === 'ours' ? await measureSteady(run, guess) : await pgbench(run);
  run.note('steady', whose, found.perSecond, found);
  return found;
}

/** The 99th percentile of a queued response at a bank that takes a part of the arrivals, and at one without limit. */
async function decoupling(run: Run, whose: Whose, rate: number): Promise<void> {
  const { seconds, slowBank, mostLate } = run.settings.decoupling;
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const saleId = await run.openSale();
    await run.stores.bank.change({ chargesPerSecond: whose === 'ours' ? rate * slowBank : 0 });
    const clicks = { saleId, seconds, clicks: rate * seconds };
    const { latencyMs, requests, lateShare } = await run.send(`decoupling, ${whose}`, 202, clicks);
    await run.stores.bank.change({ chargesPerSecond: 0 });
    await run.untilWorkedOff(saleId);
    if (lateShare <= mostLate)
      return run.note('decoupling', whose, latencyMs.p99, { ...latencyMs, rate, responses: requests, lateShare });
    run.log(`decoupling at ${rate}/s: ${percent(lateShare)} of the clicks were sent late, not counted`);
  }
  throw new Error(`${rate} clicks a second cannot be kept up here: the machine is too busy with something else`);
}
