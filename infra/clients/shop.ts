// The shop's HTTP interface, as far as demo, bench and tests use it.
import { z } from 'zod';

interface SaleDraft {
  sku: string;
  title: string;
  price: { amountMinor: number; currency: string };
  stock: number;
  opensAt: string;
  closesAt: string;
  perBuyerLimit: number;
  mode: 'queued' | 'direct';
  /** By default `instant`. */
  checkout?: 'instant' | 'hold';
  holdSeconds?: number;
  decideWithinSeconds?: number;
}

const Sale = z.object({ id: z.string(), remaining: z.number().nullish() });

const time = z.iso.datetime().transform((text) => Date.parse(text));
const Order = z.object({
  orderId: z.string(),
  status: z.string(),
  reason: z.string().nullish(),
  refund: z.string().nullish(),
  /** Only while a hold waits for its payment. */
  deadline: time.nullish(),
  createdAt: time,
  decidedAt: time.nullish().transform((at) => at ?? null),
});
/** Times in Unix milliseconds; `createdAt` is the one in the id. */
export type Order = z.infer<typeof Order>;

/** The status of an order whose outcome was unknown, and which never came into being. */
export const NEVER = 'never';

const TIMEOUT_MS = 10_000;

export type Shop = ReturnType<typeof createShop>;

export function createShop(gatewayUrl: string) {
  async function call(path: string, token?: string, body?: object, method = body ? 'POST' : 'GET'): Promise<Response> {
    return fetch(new URL(path, gatewayUrl), {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  }
  return {
    createSale: async (draft: SaleDraft, adminToken: string) =>
      Sale.parse(await json(await call('/v1/sales', adminToken, draft))),
    sale: async (id: string) => Sale.parse(await json(await call(`/v1/sales/${id}`))),
    /** Resolves with the HTTP status. */
    buy: async (saleId: string, token: string) => (await call(`/v1/sales/${saleId}/orders`, token, {})).status,
    /** `location`: of the response that named the order. Null while the shop does not know. */
    async order(orderId: string, token: string, location?: string | null): Promise<Order | null> {
      const response = await call(location ?? `/v1/orders/${orderId}`, token).catch(() => null);
      if (response?.status === 404) return { orderId, status: NEVER, createdAt: 0, decidedAt: null };
      return response?.ok ? Order.parse(await response.json()) : null;
    },
    /** Both resolve with the HTTP status. */
    pay: async (orderId: string, token: string) => (await call(`/v1/orders/${orderId}/payment`, token, {})).status,
    cancel: async (orderId: string, token: string) =>
      (await call(`/v1/orders/${orderId}`, token, undefined, 'DELETE')).status,
  };
}

async function json(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(`${response.url} responded ${response.status}: ${await response.text()}`);
  return response.json();
}
