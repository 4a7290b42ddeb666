// The sales that are clicked at; a new one for each measurement, so that each buyer comes to it once.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Shop } from '../../infra/clients/shop.ts';
import type { Tokens } from './tokens.ts';

export type Sales = ReturnType<typeof createSales>;

const AMPLE = 10_000_000;
const WITHIN_MS = 20_000;
const AGAIN_MS = 100;
const DAY_MS = 86_400_000;

export function createSales(at: { shop: Shop; gatewayUrl: string; tokens: Tokens; signal: AbortSignal }) {
  const { shop, gatewayUrl, tokens, signal } = at;
  const ordersUrl = (saleId: string) => `${gatewayUrl}/v1/sales/${saleId}/orders`;

  /** Just started, the gateway may not have found its neighbours yet: what it cannot say is asked again. */
  async function until(what: string, look: () => Promise<boolean>): Promise<void> {
    let problem: unknown;
    for (const giveUpAt = Date.now() + WITHIN_MS; Date.now() < giveUpAt; await sleep(AGAIN_MS, undefined, { signal })) {
      const seen = await look().catch((error) => {
        problem = error;
      });
      if (seen) return;
    }
    throw new Error(`not within ${WITHIN_MS / 1000} s: ${what}`, { cause: problem });
  }

  async function open(stock = AMPLE): Promise<{ saleId: string; url: string }> {
    const draft = {
      sku: 'bench',
      title: 'A sale of the bench',
      price: { amountMinor: 4_900, currency: 'EUR' },
      stock,
      opensAt: new Date(Date.now() - 1_000).toISOString(),
      closesAt: new Date(Date.now() + DAY_MS).toISOString(),
      perBuyerLimit: 1,
      mode: 'queued' as const,
    };
    let saleId = '';
    await until('a sale is open', async () => {
      saleId ||= (await shop.createSale(draft, tokens.admin)).id;
      return (await shop.sale(saleId)).remaining === stock;
    });
    return { saleId, url: ordersUrl(saleId) };
  }

  async function click(url: string): Promise<number> {
    const headers = { authorization: `Bearer ${tokens.first}`, 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: '{}' });
    await response.text();
    return response.status;
  }

  return {
    ample: () => open(),
    async soldOut() {
      const sale = await open(1);
      await until('a sale is sold out', async () => (await click(sale.url)) === 410);
      return sale;
    },
  };
}
