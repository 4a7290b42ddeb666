// Buyers of a hold sale: each reserves first; then, in random order, a third pays, a third cancels, a third leaves.
import { createBuyers, type TokenSecrets } from '../../infra/buyers/buyers.ts';
import { createShop, NEVER, type Shop } from '../../infra/clients/shop.ts';
import type { Generator } from '../../infra/load/generator.ts';
import type { Tally } from '../../infra/load/thread.ts';
import { until } from '../../infra/until.ts';
import { type Placed, untilFinal } from '../figures/finals.ts';

const INTENTS = ['pay', 'cancel', 'leave'] as const;
const AT_ONCE = 16;
const CLIENT_TIMEOUT_MS = 10_000;
const WITHIN_MS = 60_000;

export type Intent = (typeof INTENTS)[number];
/** `answered`: the status of its payment or its cancellation; null for one who leaves. */
export interface Held {
  orderId: string;
  intent: Intent;
  answered: number | null;
  ended: string | undefined;
}

interface Holders {
  gatewayUrl: string;
  tokenSecrets: TokenSecrets;
  generator: Generator;
}

/** `onTally`: while they click; `onActed`: after each payment or cancellation that has its answer. */
interface Watch {
  onTally?(tally: Tally): void;
  onActed?(acted: number): void;
}

export async function sendHolders(
  { gatewayUrl, tokenSecrets, generator }: Holders,
  {
    saleId,
    name,
    count,
    seconds,
    only,
  }: { saleId: string; name: string; count: number; seconds: number; only?: Intent },
  { onTally = () => undefined, onActed = () => undefined }: Watch = {},
): Promise<Held[]> {
  const shop = createShop(gatewayUrl);
  const tokens = createBuyers(tokenSecrets, name, count).map(({ token }) => token);
  const load = { gatewayUrl, saleId, tokens, seconds, timeoutMs: CLIENT_TIMEOUT_MS };
  const { clicks } = await generator.send(load, { tally: onTally });
  const orders = clicks.flatMap(({ orderId, location }, i) =>
    orderId ? [{ orderId, location, token: tokens[i] ?? '' }] : [],
  );
  const held = orders.map((order, i) => ({ ...order, intent: only ?? (INTENTS[i % INTENTS.length] as Intent) }));
  const answers = new Map<string, number | null>();
  const waiting = shuffled(held);
  async function act() {
    for (let one = waiting.pop(); one; one = waiting.pop()) {
      answers.set(one.orderId, await actOn(shop, one));
      onActed(answers.size);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, act));
  const finals = await untilFinal(shop, orders, WITHIN_MS);
  const results = held.map(({ orderId, intent }) => ({
    ...{ orderId, intent, answered: answers.get(orderId) ?? null },
    ended: finals.get(orderId)?.status,
  }));
  return results.filter(({ ended }) => ended !== NEVER);
}

/** Repeated until it has an answer: both calls are safe to repeat, and a process that was killed is back soon. */
async function actOn(shop: Shop, { orderId, token, location, intent }: Placed & { intent: Intent }) {
  const order = await until(
    `order ${orderId} has left the queue`,
    async () => {
      const found = await shop.order(orderId, token, location);
      return found?.status !== 'queued' && found;
    },
    WITHIN_MS,
  );
  if (intent === 'leave' || order.status !== 'reserved') return null;
  return until(
    `order ${orderId} has an answer to ${intent}`,
    async () => {
      const status = await shop[intent](orderId, token);
      return status < 500 && status;
    },
    WITHIN_MS,
  );
}

function shuffled<T>(items: T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
