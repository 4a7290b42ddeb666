// The shop as the page calls it: same origin, with the cookie that the browser adds and no script sees.
export interface Money {
  amountMinor: number;
  currency: string;
}

export interface Sale {
  id: string;
  title: string;
  price: Money;
  stock: number;
  opensAt: string;
  closesAt: string;
  mode: 'queued' | 'direct';
  checkout: 'instant' | 'hold';
  holdSeconds: number;
  closed: boolean;
  remaining: number | null;
}

export interface Order {
  orderId: string;
  status: 'queued' | 'reserved' | 'confirmed' | 'rejected' | 'cancelled' | 'expired';
  reason?: string;
  deadline?: string;
  refund?: 'owed' | 'done';
  position?: number;
  estimatedWaitMs?: number | null;
}

export interface Session {
  loggedIn: boolean;
  demoLogin: boolean;
}

/** `location` names an order; without one, `problem` says why there is none. */
export interface Outcome {
  location?: string;
  problem?: string;
}

/** Undefined where there is no response that can be read. */
async function read<Body>(path: string): Promise<{ body: Body; at: number } | undefined> {
  const response = await fetch(path).catch(() => undefined);
  if (!response?.ok) return undefined;
  const at = Date.parse(response.headers.get('date') ?? '') || Date.now();
  const body: Body | undefined = await response.json().catch(() => undefined);
  return body && { body, at };
}

export const readSession = async () => (await read<Session>('/api/session'))?.body;

/** With the shop's clock, which countdowns go by. */
export async function readSales() {
  const sales = await read<{ sales: Sale[] }>('/api/v1/sales');
  return sales && { sales: sales.body.sales, aheadMs: sales.at - Date.now() };
}

/** The location of this guest's order in a sale, kept for when the page is loaded again. */
const keyOf = (saleId: string) => `order:${saleId}`;
export const keptOrder = (saleId: string) => localStorage.getItem(keyOf(saleId)) ?? undefined;
export const keepOrder = (saleId: string, location: string) => localStorage.setItem(keyOf(saleId), location);

/** The orders that are kept are an earlier guest's. */
function forgetOrders(): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(keyOf(''))) localStorage.removeItem(key);
}

export async function logIn(): Promise<boolean> {
  const response = await fetch('/api/session', { method: 'POST' }).catch(() => undefined);
  if (response?.ok) forgetOrders();
  return response?.ok === true;
}

/** The same key again means the same order, so that a click may be repeated after a lost response. */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

export const buy = (saleId: string, key: string) =>
  act('POST', `/api/v1/sales/${saleId}/orders`, { 'content-type': 'application/json', 'idempotency-key': key }, '{}');

export const pay = (location: string) => act('POST', withSuffix(location, '/payment'));
export const cancel = (location: string) => act('DELETE', location);

async function act(method: string, path: string, headers = {}, body?: string): Promise<Outcome> {
  const response = await fetch(path, { method, headers, ...(body && { body }) }).catch(() => undefined);
  const location = response?.headers.get('location');
  if (location) return { location };
  if (response?.ok) return {};
  const problem: { type?: string } | undefined = await response?.json().catch(() => undefined);
  return { problem: problem?.type?.split('/').at(-1) ?? 'no-response' };
}

const withSuffix = (location: string, suffix: string) => location.replace(/(\?|$)/, `${suffix}$1`);

const RETRY_MS = { first: 1_000, longest: 30_000 };
const isOver = ({ status, refund }: Order) => status !== 'queued' && status !== 'reserved' && refund !== 'owed';

/** Calls back with every change of an order until it is over, or until the function that it returns is called. */
export function followOrder(location: string, onChange: (order: Order) => void): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let retryMs = RETRY_MS.first;
  function open() {
    source = new EventSource(withSuffix(location, '/events'));
    source.addEventListener('order', ({ data }) => {
      const order: Order = JSON.parse(data);
      retryMs = RETRY_MS.first;
      onChange(order);
      if (isOver(order)) source.close();
    });
    // A browser reconnects by itself after a broken stream, but not after an error status.
    source.addEventListener('error', () => {
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, retryMs);
      retryMs = Math.min(2 * retryMs, RETRY_MS.longest);
    });
  }
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
