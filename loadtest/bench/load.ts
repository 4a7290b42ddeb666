// Load on sales, of which each click must get the same answer: what it costs the tested process, what is still queued.
import { keyOf } from '@flashsale/contracts/gate';
import type { Stores } from '../../infra/audit/stores.ts';
import { createBuyers, createTokens } from '../../infra/buyers/buyers.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { createGenerator, type Watch } from '../../infra/crowd/crowd.ts';
import type { Load, LoadResult } from '../../infra/crowd/generator.ts';
import type { Stack } from '../../infra/native/stack.ts';
import { until } from '../../infra/until.ts';
import { cpuSeconds, cpuUsed } from '../figures/cpu.ts';

type Clicks = Omit<Load, 'gatewayUrl' | 'tokens' | 'timeoutMs' | 'keep'>;
type Answers = Omit<LoadResult, 'clicks' | 'lastClickAt'>;
type Tested = { gatewayUrl: string; pid: number };

const AMPLE = 10_000_000;
const DAY_MS = 86_400_000;
const TIMEOUT_MS = 10_000;
const FEWEST_TOKENS = 1_000;
const WORKED_OFF_WITHIN_MS = 180_000;

export function createLoad({ gatewayUrl, tokenSecret }: Stack, stores: Stores, signal: AbortSignal) {
  const shop = createShop(gatewayUrl);
  const admin = createTokens(tokenSecret)('bench', { admin: true });
  const generator = createGenerator();
  let tokens: string[] = [];

  async function send(
    who: string,
    status: number,
    clicks: Clicks,
    watch: Watch = {},
    at = gatewayUrl,
  ): Promise<Answers> {
    const count = Math.max(FEWEST_TOKENS, clicks.clicks ?? 0);
    if (tokens.length < count) tokens = createBuyers(tokenSecret, 'buyer', count).map(({ token }) => token);
    const load = { ...clicks, gatewayUrl: at, tokens, timeoutMs: TIMEOUT_MS, keep: false };
    const { clicks: _none, lastClickAt: _at, ...answers } = await generator.send(load, { signal, ...watch });
    assertAnswered(answers, status, who, clicks.clicks);
    return answers;
  }

  /** A new one for each measurement, so that each buyer comes to it once. */
  async function openSale(stock = AMPLE): Promise<string> {
    let saleId = '';
    const isOpen = async () => {
      saleId ||= (await shop.createSale(draft(stock), admin)).id;
      return (await shop.sale(saleId)).remaining === stock;
    };
    await until('a sale is open', isOpen, { everyMs: 100, signal });
    return saleId;
  }

  async function openSoldOutSale(): Promise<string> {
    const saleId = await openSale(1);
    const refused = () => send('sold out', 410, { saleId, seconds: 0, clicks: 1 });
    await until('the sale is sold out', refused, { everyMs: 100, signal });
    return saleId;
  }

  /** Per CPU second of the process under test: other processes on the machine do not count. */
  async function cost({ gatewayUrl, pid }: Tested, who: string, status: number, clicks: Clicks) {
    const before = cpuSeconds({ tested: pid });
    const { requests, seconds } = await send(who, status, clicks, {}, gatewayUrl);
    const used = cpuUsed(before, cpuSeconds({ tested: pid })).tested;
    if (!used) throw new Error(`${who}: no CPU time was read of process ${pid}`);
    return { perCpuSecond: requests / used, requests, cpuSeconds: used, seconds };
  }

  /** Accepted orders without a result, as the gate counts them. */
  const queued = (saleId: string) => stores.redis.zcard(keyOf(saleId, 'line'));
  const waiting = { withinMs: WORKED_OFF_WITHIN_MS, everyMs: 250, signal };
  const untilWorkedOff = (saleId: string) =>
    until('no order is queued', async () => (await queued(saleId)) === 0, waiting);
  const stop = async () => void (await generator.stop());
  return { send, openSale, openSoldOutSale, cost, queued, untilWorkedOff, stop };
}

const draft = (stock: number) => ({
  sku: 'bench',
  title: 'A sale of the bench',
  price: { amountMinor: 4_900, currency: 'EUR' },
  stock,
  opensAt: new Date(Date.now() - 1_000).toISOString(),
  closesAt: new Date(Date.now() + DAY_MS).toISOString(),
  perBuyerLimit: 1,
  mode: 'queued' as const,
});

/** A figure counts only if each of its requests was answered, and as it should be. */
export function assertAnswered(answers: Answers, status: number, who: string, least = 1): void {
  const { requests, statuses, errors } = answers;
  const others = Object.entries({ ...statuses, ...errors }).filter(([kind, n]) => n > 0 && kind !== String(status));
  if (requests >= least && others.length === 0) return;
  const seen = others.map(([kind, n]) => `${n} × ${kind}`).join(', ') || 'too few answers in time';
  throw new Error(`${who}: of ${requests} requests, all of which must get ${status}: ${seen}`);
}
