// The only file that knows the HTTP interfaces of the shop and of the bank: requests that a script can make, and their answers.
import { fail, sleep } from 'k6';
import { SharedArray } from 'k6/data';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { answerOf, readAnswer } from '../../infra/clients/answer.ts';
import { type Mode, modes } from './knobs.ts';
import { type Due, waitedMs } from './shapes.ts';

const TIMEOUT_MS = 10_000;
const OPEN_WITHIN_SECONDS = 15;
const DAY_MS = 86_400_000;
/** k6's error code for a request that ran into its timeout. */
const TIMED_OUT = 1050;

/** The file that ADDRESS_BOOK names. It holds secrets. */
export interface K6AddressBook {
  gatewayUrl: string;
  bankUrl: string;
  bankApiKey: string;
  adminToken: string;
  /** host:port of each gRPC service. */
  addresses: Record<'orders' | 'inventory' | 'payment', string>;
  /** Their tokens, signed before anything is measured. */
  buyers: string[];
}

// Shared, because otherwise each of a thousand users would hold every token.
const read = (): K6AddressBook =>
  JSON.parse(
    open(__ENV.ADDRESS_BOOK ?? fail('ADDRESS_BOOK must name what loadtest/course/write-address-book.ts wrote')),
  );
const [stack] = new SharedArray('stack', () => [{ ...read(), buyers: [] }]) as unknown as [K6AddressBook];
const buyers = new SharedArray<string>('buyers', () => read().buyers);
export const { addresses } = stack;

/** The token of one buyer, who clicks once in each sale. */
export const buyer = (index: number): string =>
  buyers[index] ?? fail(`the address book has ${buyers.length} buyers: make more, or send fewer`);

/** Counts every click: tagged with the `kind` of its answer, and by k6 with the scenario's tags. */
const answers = new Counter('answers');
/** Both count from when the click was due. */
const clickToAnswer = new Trend('click_to_answer', true);
const clickToFinal = new Trend('click_to_final', true);

const params = (name: string, token?: string) => ({
  headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
  timeout: TIMEOUT_MS,
  tags: { name },
});

const get = (name: string, path: string, token?: string) =>
  http.get(`${stack.gatewayUrl}/v1/${path}`, params(name, token));

// A refusal is an answer like any other. k6 counts every other status in `http_req_failed`: a surprise. A 504 is one, although
// it is documented: the shop owes an answer and has none yet.
const declared = http.expectedStatuses(200, 201, 202, 409, 410, 429, 503);

/** One click, and its answer, whatever it is. */
export function buy(saleId: string, token: string, due?: Due, tags = {}) {
  const { headers, ...rest } = params('buy', token);
  // Buyers share no connections. (k6's users would, and after half a minute idle the shop has closed them.)
  const once = { ...rest, headers: { ...headers, connection: 'close' }, responseCallback: declared };
  const response = http.post(`${stack.gatewayUrl}/v1/sales/${saleId}/orders`, '{}', once);
  if (due) clickToAnswer.add(waitedMs(due), tags);
  const read = readAnswer(response.status, response.headers.Location, String(response.body ?? ''));
  const answer = { ...read, timedOut: response.error_code === TIMED_OUT };
  const kind = answerOf(answer);
  answers.add(1, { kind });
  // `duration` runs from sending to the end of the answer, without connecting.
  const { duration: ms } = response.timings;
  return { ...answer, kind, ms, retryAfterSeconds: Number(response.headers['Retry-After'] ?? 1) };
}

/** `decidedAt` in Unix milliseconds, `position` in the queue; null while the shop cannot say. */
export function order(orderId: string, token: string) {
  const response = get('order', `orders/${orderId}`, token);
  if (response.status !== 200) return null;
  const { status, decidedAt, position } = response.json() as { status: string; decidedAt?: string; position?: number };
  return {
    status,
    position,
    isFinal: status !== 'queued' && status !== 'held',
    decidedAt: Date.parse(decidedAt ?? ''),
  };
}

/** Undefined where there is no order, or none that is final when the time is up. */
export function finalStatus(orderId: string | null, token: string, withinSeconds: number, due?: Due, tags = {}) {
  if (!orderId) return undefined;
  const final = until(
    () => order(orderId, token),
    withinSeconds,
    (found) => found?.isFinal,
  );
  if (due && final?.decidedAt) clickToFinal.add(final.decidedAt - due.dueAt, tags);
  return final?.status;
}

/** The id of the buyer's live order in that sale. */
export function ownOrder(saleId: string, token: string): string | null {
  const response = get('own order', `orders?sale=${saleId}`, token);
  return response.status === 200 ? String(response.json('orderId')) : null;
}

/** Tickets that the gate may still admit; null while there is no gate. */
export function remaining(saleId: string): number | null {
  const response = get('sale', `sales/${saleId}`);
  return response.status === 200 ? (response.json('remaining') as number | null) : null;
}

/** Returns the id of a sale whose gate is open. */
export function openSale(mode: Mode, stock: number): string {
  const sale = {
    ...{ sku: `k6-${mode}`, title: `${mode} sale of ${stock} (k6)`, price: { amountMinor: 4_900, currency: 'EUR' } },
    ...{ stock, mode, perBuyerLimit: 1 },
    opensAt: new Date(Date.now() - 1_000).toISOString(),
    closesAt: new Date(Date.now() + DAY_MS).toISOString(),
  };
  const url = `${stack.gatewayUrl}/v1/sales`;
  const response = http.post(url, JSON.stringify(sale), params('open', stack.adminToken));
  if (response.status !== 201) fail(`no sale: ${response.status} ${response.error} ${response.body}`);
  const saleId = String(response.json('id'));
  const isOpen = until(() => remaining(saleId) === stock, OPEN_WITHIN_SECONDS);
  return isOpen ? saleId : fail(`the ${mode} sale ${saleId} does not open`);
}

export type Sales<Sale = string> = Record<Mode, Sale>;
export const inEachMode = <Sale>(open: (mode: Mode) => Sale) =>
  Object.fromEntries(modes().map((mode) => [mode, open(mode)])) as Sales<Sale>;

/** A sale for each mode that the script takes, and the bank that all their orders are charged at. */
export function openSales(stock: number, ...bank: Parameters<typeof setBank>): Sales {
  setBank(...bank);
  return inEachMode((mode) => openSale(mode, stock));
}

const PLAIN = { declineRate: 0, errorRate: 0, lateRate: 0, lateMs: 0, seed: 1111 };
export const NO_LATENCY = { p50: 0, p99: 0 };

/**
 * Sets the bank's whole behaviour, whatever it was; 0 charges per second is no limit. The seed begins the bank's sequence
 * again: the n-th charge meets the same fate in each run.
 */
export function setBank(chargesPerSecond: number, latencyMs = { p50: 40, p99: 120 }): void {
  const body = JSON.stringify({ ...PLAIN, chargesPerSecond, latencyMs });
  const response = http.patch(`${stack.bankUrl}/behaviour`, body, params('bank', stack.bankApiKey));
  if (response.status !== 200) fail(`the bank refuses: ${response.status} ${response.error} ${response.body}`);
}

/** How many charges the bank has taken since then (Unix milliseconds). */
export function chargesSince(sinceMs: number): number {
  const response = http.get(`${stack.bankUrl}/statement?since=${sinceMs}`, params('statement', stack.bankApiKey));
  if (response.status !== 200) fail(`the bank shows no statement: ${response.status} ${response.error}`);
  return (response.json('charges') as unknown[]).length;
}

/** The first value that is so, undefined when the time is up. */
export function until<Value>(look: () => Value, withinSeconds: number, isSo: (seen: Value) => unknown = Boolean) {
  for (const giveUpAt = Date.now() + withinSeconds * 1_000; Date.now() < giveUpAt; sleep(0.1)) {
    const seen = look();
    if (isSo(seen)) return seen;
  }
  return undefined;
}
