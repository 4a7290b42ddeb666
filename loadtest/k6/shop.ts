// The only file with the HTTP interfaces of shop and bank: the requests of the scripts, and the responses.
import { check, fail, sleep } from 'k6';
import { SharedArray } from 'k6/data';
import http, { type RefinedResponse } from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { outcomeOf, readResponse } from '../../infra/clients/outcome.ts';
import { type Mode, modes } from './knobs.ts';
import { type Due, waitedMs } from './shapes.ts';

const TIMEOUT_MS = 10_000;
/** k6's error code for a request that ran into its timeout. */
const TIMED_OUT = 1050;

/** The file that ADDRESS_BOOK names. It holds secrets, and the buyers' tokens, signed before anything is measured. */
export interface K6AddressBook extends Record<'gatewayUrl' | 'bankUrl' | 'bankApiKey' | 'adminToken', string> {
  addresses: Record<'orders' | 'inventory' | 'payment', string>;
  /** With its user and password; empty where the stack does not name it. */
  rabbitManagementUrl: string;
  buyers: string[];
}

// Shared, because otherwise each of a thousand users would hold every token.
const addressBook = (): K6AddressBook =>
  JSON.parse(open(__ENV.ADDRESS_BOOK ?? fail('ADDRESS_BOOK must name what write-address-book.ts wrote')));
const [stack] = new SharedArray('stack', () => [{ ...addressBook(), buyers: [] }]) as unknown as [K6AddressBook];
const buyers = new SharedArray<string>('buyers', () => addressBook().buyers);
export const { addresses } = stack;

/** The token of one buyer, who clicks once in each sale. */
export const buyer = (index: number): string =>
  buyers[index] ?? fail(`the address book has ${buyers.length} buyers: make more, or send fewer`);

/** One for every click, tagged with the `kind` of its outcome; the two times count from when the click was due. */
const outcomes = new Counter('outcomes');
const clickToResponse = new Trend('click_to_response', true);
const clickToFinal = new Trend('click_to_final', true);

const params = (name: string, token?: string) => ({
  headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
  timeout: TIMEOUT_MS,
  tags: { name },
});

/** The body of a 200; null for any other status. */
function read<Body>(name: string, path: string, token?: string): Body | null {
  const response = http.get(`${stack.gatewayUrl}/v1/${path}`, params(name, token));
  return response.status === 200 ? (response.json() as Body) : null;
}

// A refusal is an expected response. k6 counts every other status in `http_req_failed`. A 504 is among those, although it
// is documented: its outcome is unknown.
const declared = http.expectedStatuses(200, 201, 202, 409, 410, 429, 503);

/** One click, and its response, whatever it is. */
export function buy(saleId: string, token: string, due?: Due, tags = {}) {
  const { headers, ...rest } = params('buy', token);
  // Buyers share no connections. (k6's users would, and after half a minute idle the shop has closed them.)
  const once = { ...rest, headers: { ...headers, connection: 'close' }, responseCallback: declared };
  const response = http.post(`${stack.gatewayUrl}/v1/sales/${saleId}/orders`, '{}', once);
  if (due) clickToResponse.add(waitedMs(due), tags);
  const { status, headers: found, body, error_code } = response;
  const read = { ...readResponse(status, found.Location, String(body ?? '')), timedOut: error_code === TIMED_OUT };
  const kind = outcomeOf(read);
  outcomes.add(1, { kind });
  // `duration` leaves out connecting.
  return { ...read, kind, ms: response.timings.duration, retryAfterSeconds: Number(found['Retry-After'] ?? 1) };
}

type Order = { status: string; decidedAt?: string; position?: number };
export const order = (orderId: string, token: string) => read<Order>('order', `orders/${orderId}`, token);

/** Undefined where there is no order, or one that still has one of these statuses at the timeout. */
export function orderPast(statuses: string[], orderId: string | null, token: string, withinSeconds: number) {
  if (!orderId) return undefined;
  return until(
    () => order(orderId, token),
    withinSeconds,
    (seen) => seen && !statuses.includes(seen.status),
  );
}

export const finalOrder = (orderId: string | null, token: string, withinSeconds: number) =>
  orderPast(['queued', 'reserved'], orderId, token, withinSeconds);

/** Both return the HTTP status. */
export const pay = (orderId: string, token: string) =>
  http.post(`${stack.gatewayUrl}/v1/orders/${orderId}/payment`, null, {
    ...params('pay', token),
    responseCallback: declared,
  }).status;
export const cancel = (orderId: string, token: string) =>
  http.del(`${stack.gatewayUrl}/v1/orders/${orderId}`, null, { ...params('cancel', token), responseCallback: declared })
    .status;

/** Follows the order of a click until it is final; that it is confirmed then is a check of the script. */
export function follow(orderId: string | null, token: string, withinSeconds: number, due: Due, tags = {}): void {
  const final = finalOrder(orderId, token, withinSeconds);
  check(null, { 'confirmed in the end': () => final?.status === 'confirmed' });
  if (final?.decidedAt) clickToFinal.add(Date.parse(final.decidedAt) - due.dueAt, tags);
}

/** The id of the buyer's live order in that sale. */
export const ownOrder = (saleId: string, token: string) =>
  read<{ orderId: string }>('own order', `orders?sale=${saleId}`, token)?.orderId;

/** Tickets that the gate may still admit. */
export const remaining = (saleId: string) => read<{ remaining: number }>('sale', `sales/${saleId}`)?.remaining;

function must(response: RefinedResponse<'text'>, status: number, failed: string) {
  if (response.status !== status) fail(`${failed}: ${response.status} ${response.error} ${response.body}`);
  return response;
}

type Bank = Parameters<typeof setBank>;
/** Returns the id of a sale whose gate is open, at that bank. */
export function openSale(mode: Mode, stock: number, ...bank: Bank): string {
  setBank(...bank);
  return makeSale(mode, stock, {});
}

/** The same, of units that are paid later, at a bank without limit. */
export function openHoldSale(mode: Mode, stock: number, holdSeconds: number): string {
  setBank(0, NO_LATENCY);
  return makeSale(mode, stock, { checkout: 'hold', holdSeconds });
}

function makeSale(mode: Mode, stock: number, checkout: object): string {
  const [opensAt, closesAt] = [-1_000, 86_400_000].map((ms) => new Date(Date.now() + ms).toISOString());
  const price = { amountMinor: 4_900, currency: 'EUR' };
  const about = { sku: `k6-${mode}`, title: `${mode} sale of ${stock} (k6)`, price };
  const body = JSON.stringify({ ...about, ...checkout, stock, mode, perBuyerLimit: 1, opensAt, closesAt });
  const response = http.post(`${stack.gatewayUrl}/v1/sales`, body, params('open', stack.adminToken));
  const saleId = String(must(response, 201, 'no sale').json('id'));
  const isOpen = until(() => remaining(saleId) === stock, 15);
  return isOpen ? saleId : fail(`the ${mode} sale ${saleId} does not open`);
}

export type Sales<Sale = string> = Record<Mode, Sale>;
export const inEachMode = <Sale>(open: (mode: Mode) => Sale) =>
  Object.fromEntries(modes().map((mode) => [mode, open(mode)])) as Sales<Sale>;
export const openSales = (stock: number, ...bank: Bank) => inEachMode((mode) => openSale(mode, stock, ...bank));

const PLAIN = { declineRate: 0, errorRate: 0, lateRate: 0, lateMs: 0, seed: 1111 };
export const NO_LATENCY = { p50: 0, p99: 0 };

/** Every setting of the bank; 0 is no limit. With the seed, the n-th charge meets the same fate in each run. */
export function setBank(chargesPerSecond: number, latencyMs = { p50: 40, p99: 120 }, fate = {}): void {
  const body = JSON.stringify({ ...PLAIN, ...fate, chargesPerSecond, latencyMs });
  must(http.patch(`${stack.bankUrl}/behaviour`, body, params('bank', stack.bankApiKey)), 200, 'the bank refuses');
}

type Charge = { status: string; finishedAtMs: number };
/** Completion times of the charges since then, in Unix milliseconds and in order; without those taken back. */
export function chargesSince(sinceMs: number): number[] {
  const response = http.get(`${stack.bankUrl}/statement?since=${sinceMs}`, params('statement', stack.bankApiKey));
  const charges = must(response, 200, 'no statement of the bank').json('charges') as Charge[];
  const kept = charges.filter(({ status }) => status === 'captured');
  return kept.map(({ finishedAtMs }) => finishedAtMs).sort((a, b) => a - b);
}

type QueueCounts = { publish: number; deliver: number };
/** Messages that a queue took and handed out since it was made; the broker counts a few seconds behind. */
export function queueCounts(queue: string): QueueCounts {
  const url = `${stack.rabbitManagementUrl || fail('the broker has no management interface here')}/api/queues/%2F/${queue}`;
  const stats = must(http.get(url, { tags: { name: 'queue' } }), 200, 'no such queue').json('message_stats');
  return { publish: 0, deliver: 0, ...(stats as Partial<QueueCounts> | undefined) };
}

/** The first value that is so, undefined at the timeout. */
export function until<Value>(read: () => Value, withinSeconds: number, isSo: (seen: Value) => unknown = Boolean) {
  for (const giveUpAt = Date.now() + withinSeconds * 1_000; Date.now() < giveUpAt; sleep(0.1)) {
    const seen = read();
    if (isSo(seen)) return seen;
  }
  return undefined;
}
