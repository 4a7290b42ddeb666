// Load on sales, each click of which must get the same response; its cost to a process, and the queue behind it.
import { keyOf } from '@flashsale/contracts/keys';
import type { Stores } from '../../infra/audit/stores.ts';
import { createBuyers, createTokens } from '../../infra/buyers/buyers.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { createGenerator } from '../../infra/load/generator.ts';
import type { Load, LoadResult } from '../../infra/load/thread.ts';
import type { Stack } from '../../infra/native/stack.ts';
import { until } from '../../infra/until.ts';
import { cpuSeconds, cpuUsed } from '../figures/cpu.ts';

type Clicks = Omit<Load, 'gatewayUrl' | 'tokens' | 'timeoutMs' | 'keep'>;
type Responses = Omit<LoadResult, 'clicks' | 'lastClickAt'>;

export function createLoad({ gatewayUrl, tokenSecrets }: Stack, stores: Stores, signal: AbortSignal) {
  const shop = createShop(gatewayUrl);
  const admin = createTokens(tokenSecrets)('bench', { admin: true });
  const generator = createGenerator();
  let tokens: string[] = [];

  async function send(who: string, status: number, clicks: Clicks, at = gatewayUrl): Promise<Responses> {
    const count = Math.max(1_000, clicks.clicks ?? 0);
    if (tokens.length < count) tokens = createBuyers(tokenSecrets, 'buyer', count).map(({ token }) => token);
    const load = { ...clicks, gatewayUrl: at, tokens, timeoutMs: 10_000, keep: false };
    const { clicks: _none, lastClickAt: _at, ...responses } = await generator.send(load, { signal });
    // At a rate that is too high some clicks time out: it did not hold, and that is no failure.
    if (clicks.maxInFlight) assertResponses({ ...responses, errors: { ...responses.errors, timeout: 0 } }, status, who);
    else assertResponses(responses, status, who, clicks.clicks);
    return responses;
  }

  /** With ample stock by default; a new one for each measurement, so that each buyer comes to it once. */
  async function openSale(stock = 10_000_000): Promise<string> {
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
  async function cost(
    { gatewayUrl, pid }: { gatewayUrl: string; pid: number },
    who: string,
    status: number,
    clicks: Clicks,
  ) {
    const before = cpuSeconds({ tested: pid });
    const { requests, seconds } = await send(who, status, clicks, gatewayUrl);
    const used = cpuUsed(before, cpuSeconds({ tested: pid })).tested;
    if (!used) throw new Error(`${who}: no CPU time was read of process ${pid}`);
    return { perCpuSecond: requests / used, requests, cpuSeconds: used, seconds };
  }

  /** Accepted orders without a result, as the gate counts them. */
  const queued = (saleId: string) => stores.redis.zcard(keyOf(saleId, 'waiting'));
  const untilWorkedOff = async (saleId: string): Promise<void> => {
    const isEmpty = async () => (await queued(saleId)) === 0;
    await until('no order is queued', isEmpty, { withinMs: 180_000, everyMs: 250, signal });
  };
  return { send, openSale, openSoldOutSale, cost, queued, untilWorkedOff, stop: generator.stop };
}

const draft = (stock: number) => ({
  sku: 'bench',
  title: 'A sale of the bench',
  price: { amountMinor: 4_900, currency: 'EUR' },
  stock,
  opensAt: new Date(Date.now() - 1_000).toISOString(),
  closesAt: new Date(Date.now() + 86_400_000).toISOString(),
  perBuyerLimit: 1,
  mode: 'queued' as const,
});

/** A figure counts only if each of its requests got the expected response. */
export function assertResponses(responses: Responses, status: number, who: string, least = 1): void {
  const { requests, statuses, errors } = responses;
  const others = Object.entries({ ...statuses, ...errors }).filter(([kind, n]) => n > 0 && kind !== String(status));
  if (requests >= least && others.length === 0) return;
  const seen = others.map(([kind, n]) => `${n} × ${kind}`).join(', ') || 'too few responses in time';
  throw new Error(`${who}: of ${requests} requests, all of which must get ${status}: ${seen}`);
}
