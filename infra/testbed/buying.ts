// The shop as its buyers and its admin use it: through its HTTP interface only.
import { FINAL_STATUSES, isFinalStatus } from '@flashsale/contracts/messages';
import type { createTokens } from '../buyers/buyers.ts';
import { until } from '../until.ts';

/** Fields of the request; the rest has defaults. */
type TestSale = {
  mode: 'queued' | 'direct';
  stock: number;
  checkout?: 'instant' | 'hold';
  holdSeconds?: number;
  decideWithinSeconds?: number;
} & Record<string, unknown>;

/** An order as its buyer reads it. */
export interface OrderRead {
  orderId: string;
  status: string;
  reason?: string | null;
  refund?: string;
  deadline?: string | null;
  position?: number;
  /** The type of a problem. */
  type?: string;
}

export function createBuying(gatewayUrl: string, tokenFor: ReturnType<typeof createTokens>) {
  const request = (path: string, init: RequestInit = {}, token?: string, base = gatewayUrl) =>
    fetch(new URL(path, base), {
      ...init,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...init.headers },
    });
  const json = { 'content-type': 'application/json' };
  const post = (body?: object) => ({ method: 'POST', ...(body && { body: JSON.stringify(body), headers: json }) });

  async function createSale(sale: TestSale) {
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
    const body = (await response.json()) as { orderId?: string; status: string | number; reason?: string };
    const header = (name: string) => response.headers.get(name);
    return { ...body, httpStatus: response.status, location: header('location'), retryAfter: header('retry-after') };
  }

  /** By its id, or by the Location of a response, which also names its sale and its epoch. */
  const pathOf = (order: string) => (order.startsWith('/') ? order : `/v1/orders/${order}`);

  async function order(idOrLocation: string, buyer: string) {
    const response = await request(pathOf(idOrLocation), {}, tokenFor(buyer));
    return { httpStatus: response.status, ...((await response.json()) as OrderRead) };
  }

  async function act(path: string, method: 'POST' | 'DELETE', token: string) {
    const response = await request(path, { method }, token);
    const body = (await response.json()) as Partial<Omit<OrderRead, 'status'>> & { status: string | number };
    return { ...body, httpStatus: response.status, location: response.headers.get('location') };
  }
  const pay = (orderId: string, buyer: string) => act(`/v1/orders/${orderId}/payment`, 'POST', tokenFor(buyer));
  const cancel = (orderId: string, buyer: string) => act(`/v1/orders/${orderId}`, 'DELETE', tokenFor(buyer));
  const adminCancel = (orderId: string) =>
    act(`/v1/orders/${orderId}/cancel`, 'POST', tokenFor('admin', { admin: true }));

  /** The order, once it has one of these statuses; one that is final and has another never will. */
  function reaches(idOrLocation: string, buyer: string, statuses: string | readonly string[], deadlineMs?: number) {
    const expected = [statuses].flat();
    const check = async () => {
      const found = await order(idOrLocation, buyer);
      if (expected.includes(found.status)) return { found };
      return isFinalStatus(found.status) && { instead: found.status };
    };
    return until(`order ${idOrLocation} is ${expected.join(' or ')}`, check, deadlineMs).then(({ found, instead }) => {
      if (!found) throw new Error(`order ${idOrLocation} is ${instead}, not ${expected.join(' or ')}`);
      return found;
    });
  }

  /** The order, once it has a final status. */
  const final = (idOrLocation: string, buyer: string, deadlineMs?: number) =>
    reaches(idOrLocation, buyer, FINAL_STATUSES, deadlineMs);

  return { request, createSale, buy, pay, cancel, adminCancel, order, reaches, final };
}
