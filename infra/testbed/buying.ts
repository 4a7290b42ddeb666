// The shop as its buyers and its admin use it: the HTTP interface, and nothing beside it.
import { FINAL_STATUSES } from '@flashsale/contracts/messages';
import type { createTokens } from '../buyers/buyers.ts';
import { until } from '../until.ts';

export function createBuying(gatewayUrl: string, tokenFor: ReturnType<typeof createTokens>) {
  const request = (path: string, init: RequestInit = {}, token?: string, base = gatewayUrl) =>
    fetch(new URL(path, base), {
      ...init,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...init.headers },
    });

  async function createSale(
    sale: { mode: 'queued' | 'direct'; stock: number } & Record<string, unknown>,
  ): Promise<string> {
    const now = Date.now();
    const body = {
      sku: 'sku-1',
      title: 'A test sale',
      price: { amountMinor: 1_000, currency: 'EUR' },
      opensAt: new Date(now - 60_000).toISOString(),
      closesAt: new Date(now + 3_600_000).toISOString(),
      ...sale,
    };
    const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    // A machine that is too busy may not be able to say whether it was made: then another one is.
    const id = await until('a sale is made', async () => {
      const response = await request('/v1/sales', init, tokenFor('admin', { admin: true }));
      if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
      return ((await response.json()) as { id: string }).id;
    });
    // Another gateway may have been first to fence it, and not be done yet.
    await until('its gate is open', async () => {
      const { remaining } = (await (await request(`/v1/sales/${id}`)).json()) as { remaining: number | null };
      return remaining !== null;
    });
    return id;
  }

  async function buy(saleId: string, buyer: string, quantity?: number, base?: string) {
    const body = quantity === undefined ? undefined : JSON.stringify({ quantity });
    const init = { method: 'POST', ...(body && { body, headers: { 'content-type': 'application/json' } }) };
    const response = await request(`/v1/sales/${saleId}/orders`, init, tokenFor(buyer), base);
    const answer = (await response.json()) as { orderId?: string; status: string | number; reason?: string };
    return {
      ...answer,
      httpStatus: response.status,
      location: response.headers.get('location'),
      retryAfter: response.headers.get('retry-after'),
    };
  }

  async function order(orderId: string, buyer: string) {
    const response = await request(`/v1/orders/${orderId}`, {}, tokenFor(buyer));
    return { httpStatus: response.status, ...((await response.json()) as { status: string; reason?: string }) };
  }

  /** The order's final state, once it has one. */
  function final(orderId: string, buyer: string, deadlineMs?: number) {
    return until(
      `order ${orderId} is final`,
      async () => {
        const found = await order(orderId, buyer);
        return FINAL_STATUSES.some((final) => final === found.status) && found;
      },
      deadlineMs,
    );
  }

  return { request, createSale, buy, order, final };
}
