// The shop as its buyers and its admin use it: through its HTTP interface only.
import { FINAL_STATUSES } from '@flashsale/contracts/messages';
import type { createTokens } from '../buyers/buyers.ts';
import { until } from '../until.ts';

export function createBuying(gatewayUrl: string, tokenFor: ReturnType<typeof createTokens>) {
  const request = (path: string, init: RequestInit = {}, token?: string, base = gatewayUrl) =>
    fetch(new URL(path, base), {
      ...init,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...init.headers },
    });
  const json = { 'content-type': 'application/json' };
  const post = (body?: object) => ({ method: 'POST', ...(body && { body: JSON.stringify(body), headers: json }) });

  async function createSale(sale: { mode: 'queued' | 'direct'; stock: number } & Record<string, unknown>) {
    const draft = {
      sku: 'sku-1',
      title: 'A test sale',
      price: { amountMinor: 1_000, currency: 'EUR' },
      opensAt: new Date(Date.now() - 60_000).toISOString(),
      closesAt: new Date(Date.now() + 3_600_000).toISOString(),
      ...sale,
    };
    // A busy machine may fail to respond although the sale was made: then another one is made.
    const id = await until('a sale is made', async () => {
      const response = await request('/v1/sales', post(draft), tokenFor('admin', { admin: true }));
      if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
      return ((await response.json()) as { id: string }).id;
    });
    // Another gateway may have been first to fence it, and not be done yet.
    const read = async () => (await (await request(`/v1/sales/${id}`)).json()) as { remaining: number | null };
    await until('its gate is open', async () => (await read()).remaining !== null);
    return id;
  }

  async function buy(saleId: string, buyer: string, quantity?: number, base?: string) {
    const init = post(quantity === undefined ? undefined : { quantity });
    const response = await request(`/v1/sales/${saleId}/orders`, init, tokenFor(buyer), base);
    const answer = (await response.json()) as { orderId?: string; status: string | number; reason?: string };
    const header = (name: string) => response.headers.get(name);
    return { ...answer, httpStatus: response.status, location: header('location'), retryAfter: header('retry-after') };
  }

  async function order(orderId: string, buyer: string) {
    const response = await request(`/v1/orders/${orderId}`, {}, tokenFor(buyer));
    return { httpStatus: response.status, ...((await response.json()) as { status: string; reason?: string }) };
  }

  /** The order, once it has a final status. */
  function final(orderId: string, buyer: string, deadlineMs?: number) {
    const look = async () => {
      const found = await order(orderId, buyer);
      return FINAL_STATUSES.some((final) => final === found.status) && found;
    };
    return until(`order ${orderId} is final`, look, deadlineMs);
  }

  return { request, createSale, buy, order, final };
}
