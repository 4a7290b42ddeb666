// One road, from the first click until nothing is in flight any more.
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditOptions, type AuditResult, audit } from '../../infra/audit/audit.ts';
import { type Stores, StoreUnreadable } from '../../infra/audit/stores.ts';
import type { Buyer } from '../../infra/buyers/buyers.ts';
import type { Click } from '../../infra/clients/answer.ts';
import { answerOf } from '../../infra/clients/answer.ts';
import type { Bank } from '../../infra/clients/bank.ts';
import type { Order, Shop } from '../../infra/clients/shop.ts';
import type { Crowd, Generator } from '../../infra/crowd/crowd.ts';
import { idleShare, type RoadFigures, roadFigures } from '../figures/figures.ts';
import { untilFinal } from '../figures/finals.ts';
import type { RoadWatch } from './sample.ts';
import type { Settings } from './settings.ts';

const STARTED_AGAIN_WITHIN_MS = 20_000;
const LOOK_AGAIN_MS = 500;

export interface Venue {
  gatewayUrl: string;
  shop: Shop;
  bank: Bank;
  stores: Stores;
  generator: Generator;
  settings: Settings;
}

export interface RoadRun {
  figures: RoadFigures;
  /** Said yes, and not confirmed in the end. */
  untrueYes: number;
  /** Of the time from the first charge until the crowd had left. */
  bankIdleShare: number | null;
  lateMs: { p99: number; max: number };
  /** When the crowd had just left, and when nothing was in flight any more. */
  audits: { inFlight: AuditResult; atRest: AuditResult };
}

export interface RoadOptions {
  saleId: string;
  stock: number;
  buyers: Buyer[];
  seconds: number;
  watch: RoadWatch;
}

export async function runRoad(venue: Venue, { saleId, stock, buyers, seconds, watch }: RoadOptions): Promise<RoadRun> {
  const { gatewayUrl, shop, bank, stores, generator, settings } = venue;
  // Setting the seed restarts the bank's sequence: the n-th charge meets the same fate on both roads.
  await bank.change(settings.bank);

  const order = {
    gatewayUrl,
    saleId,
    tokens: buyers.map((buyer) => buyer.token),
    seconds,
    timeoutMs: settings.clientTimeoutMs,
  };
  const left = Promise.withResolvers<void>();
  const [crowd, inFlight] = await Promise.all([
    generator.send(order, { tally: watch.tally, left: left.resolve }),
    left.promise.then(() => auditWhenReadable(stores, { atRest: false })),
  ]);

  const asked = crowd.clicks.flatMap(({ orderId }, i) => (orderId ? [{ orderId, token: buyers[i]?.token ?? '' }] : []));
  const patienceMs = settings.finalWithinSeconds * 1_000;
  const orders = await untilFinal(shop, asked, patienceMs);
  const atRest = await auditWhenReadable(stores, { atRest: true, patienceMs });
  await watch.stop();
  const { charges } = await bank.statement();
  const ours = charges.filter((charge) => orders.has(charge.key));
  const bankIdleShare = idleShare(ours, crowd.lastClickAt);
  return { ...collect(crowd, orders, stock), bankIdleShare, audits: { inFlight, atRest } };
}

/** A store that is started again just now cannot be read for a moment. */
async function auditWhenReadable(stores: Stores, options: AuditOptions): Promise<AuditResult> {
  for (const giveUpAt = Date.now() + STARTED_AGAIN_WITHIN_MS; ; await sleep(LOOK_AGAIN_MS)) {
    try {
      return await audit(stores, options);
    } catch (error) {
      if (!(error instanceof StoreUnreadable) || Date.now() > giveUpAt) throw error;
    }
  }
}

function collect({ clicks, lastClickAt }: Crowd, orders: Map<string, Order>, stock: number) {
  const late = clicks.map((click) => click.lateMs).sort((a, b) => a - b);
  const yes = clicks.filter((click) => answerOf(click) === 'yes');
  const isConfirmed = ({ orderId }: Click) => orders.get(orderId ?? '')?.status === 'confirmed';
  return {
    figures: roadFigures({ stock, clicks, orders, lastClickAt }),
    untrueYes: yes.filter((click) => !isConfirmed(click)).length,
    lateMs: { p99: late[Math.ceil(late.length * 0.99) - 1] ?? 0, max: late.at(-1) ?? 0 },
  };
}
