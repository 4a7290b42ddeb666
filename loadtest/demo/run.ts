// One run: a burst on one path, from its first click until nothing is in flight, sampled a few times a second.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressBook } from '../../infra/address-book/address-book.ts';
import { type AuditOptions, audit } from '../../infra/audit/audit.ts';
import type { Stores } from '../../infra/audit/stores.ts';
import { createBuyers } from '../../infra/buyers/buyers.ts';
import { type Click, outcomeOf } from '../../infra/clients/outcome.ts';
import { createShop, type Order } from '../../infra/clients/shop.ts';
import type { Burst, Generator } from '../../infra/load/generator.ts';
import type { Tally } from '../../infra/load/thread.ts';
import { until } from '../../infra/until.ts';
import { idleShare, pathFigures, percentiles } from '../figures/figures.ts';
import { untilFinal } from '../figures/finals.ts';
import { settings } from './settings.ts';

const SAMPLE_EVERY_MS = 250;

type RunSettings = Pick<typeof settings, 'bank' | 'finalWithinSeconds'>;
export interface RunEnvironment extends RunSettings, Pick<AddressBook, 'gatewayUrl' | 'tokenSecrets' | 'amqpUrl'> {
  stores: Stores;
  generator: Generator;
}

/** Counts since the run began; `waiting` and `inProgress` are the bank's calls at that moment. */
export interface Sample extends Tally {
  atMs: number;
  confirmed: number;
  decided: number;
  bank: { charges: number; busyMs: number; waiting: number; inProgress: number };
}
const NO_CLICKS: Tally = { sent: 0, yes: 0, refused: 0, other: 0 };
const NO_CHARGES = { charges: 0, busyMs: 0, waiting: 0, inProgress: 0 };
export const START: Sample = { ...NO_CLICKS, atMs: 0, confirmed: 0, decided: 0, bank: NO_CHARGES };
export type Mode = 'queued' | 'direct';
export type OnSample = (sample: Sample, last: boolean) => void;

export async function run(
  { gatewayUrl, tokenSecrets, stores, generator, bank, finalWithinSeconds }: RunEnvironment,
  saleId: string,
  load: Pick<typeof settings, 'units' | 'buyers' | 'burstSeconds'>,
  onSample: OnSample = () => undefined,
) {
  const tokens = createBuyers(tokenSecrets, `buyer-${saleId.slice(-6)}`, load.buyers).map(({ token }) => token);
  // Setting the seed restarts the bank's sequence: the n-th charge meets the same fate on both paths.
  await stores.bank.change(bank);
  await using sampling = startSampling(stores, saleId, onSample);
  const lastClick = Promise.withResolvers<void>();
  const order = { gatewayUrl, saleId, tokens, seconds: load.burstSeconds, timeoutMs: settings.clientTimeoutMs };
  const [burst, inFlight] = await Promise.all([
    generator.send(order, { tally: sampling.tally, lastClick: lastClick.resolve }),
    lastClick.promise.then(() => auditWhenReadable(stores, { atRest: false })),
  ]);

  const placed = burst.clicks.flatMap(({ orderId, location }, i) =>
    orderId ? [{ orderId, location, token: tokens[i] ?? '' }] : [],
  );
  const withinMs = finalWithinSeconds * 1_000;
  const orders = await untilFinal(createShop(gatewayUrl), placed, withinMs);
  const atRest = await auditWhenReadable(stores, { atRest: true, withinMs });
  const { charges } = await stores.bank.statement();
  const ours = charges.filter((charge) => orders.has(charge.key));
  return {
    ...collect(burst, orders, load.units),
    /** Share of the time from the first charge until the last click. */
    bankIdleShare: idleShare(ours, burst.lastClickAt),
    /** Right after the last click, and when nothing was in flight any more. */
    audits: { inFlight, atRest },
  };
}

/** A store that was just started again cannot be read for a moment. */
const auditWhenReadable = (stores: Stores, options: AuditOptions) =>
  until('the audit can read every store', () => audit(stores, options), { everyMs: 500 });

function collect({ clicks, lastClickAt }: Burst, orders: Map<string, Order>, stock: number) {
  const isConfirmed = ({ orderId }: Click) => orders.get(orderId ?? '')?.status === 'confirmed';
  const { p99, max } = percentiles(clicks.map((click) => click.lateMs));
  return {
    figures: pathFigures({ stock, clicks, orders, lastClickAt }),
    /** Accepted orders that were not confirmed in the end. */
    untrueYes: clicks.filter((click) => outcomeOf(click) === 'yes' && !isConfirmed(click)).length,
    lateMs: { p99: p99 ?? 0, max: max ?? 0 },
  };
}

const COUNTS = `SELECT count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
  count(*) FILTER (WHERE status NOT IN ('placed', 'reserved'))::int AS decided FROM orders WHERE sale_id = $1`;

/** Disposing of it takes the last sample. A sample that fails on a killed server is skipped. */
function startSampling({ orders, bank }: Stores, saleId: string, onSample: OnSample) {
  const began = Date.now();
  let latest: Tally = NO_CLICKS;
  let ended = false;
  async function take(last: boolean) {
    const [counts, bankNow] = await Promise.all([orders.query(COUNTS, [saleId]), bankSince(bank, began)]);
    onSample({ ...latest, ...counts.rows[0], atMs: Date.now() - began, bank: bankNow }, last);
  }
  const sampling = (async () => {
    for (; !ended; await sleep(SAMPLE_EVERY_MS)) await take(false).catch(() => undefined);
  })();
  return {
    tally(tally: Tally) {
      latest = tally;
    },
    async [Symbol.asyncDispose]() {
      ended = true;
      await sampling;
      await take(true).catch(() => undefined);
    },
  };
}

/** A charge of an earlier run can change later, so only those that started in this one count. */
export async function bankSince(bank: Pick<Stores['bank'], 'statement'>, began: number): Promise<Sample['bank']> {
  const { charges, queue } = await bank.statement(began);
  const ours = charges.filter(({ startedAtMs }) => startedAtMs >= began);
  const busyMs = ours.reduce((sum, { startedAtMs, finishedAtMs }) => sum + finishedAtMs - startedAtMs, 0);
  return { charges: ours.length, busyMs, ...queue };
}

/** Queued: accepted and not decided; direct: clicked and without a response. */
export const waitingOrders = (mode: Mode, { sent, yes, refused, other, decided }: Sample): number =>
  Math.max(0, mode === 'queued' ? yes - decided : sent - yes - refused - other);

export const lastOf = (samples: Sample[]) => samples.at(-1) as Sample;

/** On the straight line between the samples before and after it. */
export function valueAt(samples: Sample[], measure: (sample: Sample) => number, atMs: number): number {
  const before = samples.findLast((sample) => sample.atMs <= atMs) ?? START;
  const after = samples.find((sample) => sample.atMs > atMs);
  if (!after) return measure(before);
  const share = (atMs - before.atMs) / (after.atMs - before.atMs);
  return measure(before) + (measure(after) - measure(before)) * share;
}
