// The only file that knows the HTTP interfaces of the shop and of the bank: what a script can do, and what came of it.
import { fail, sleep } from 'k6';
import { SharedArray } from 'k6/data';
import http from 'k6/http';
import { Counter } from 'k6/metrics';
import { answerOf, type Answer as Kind, readAnswer } from '../../infra/clients/answer.ts';
import type { Venue } from './venue-file.ts';

const CLICK_TIMEOUT_MS = 10_000;
const OPEN_WITHIN_MS = 15_000;
const LOOK_EVERY_S = 0.1;
const DAY_MS = 86_400_000;
/** What k6 calls a request that ran into its timeout. */
const TIMED_OUT = 1050;

// Shared, or each of a thousand users would hold every token.
const read = (): Venue =>
  JSON.parse(open(__ENV.VENUE ?? fail('VENUE must name the file that loadtest/course/venue.ts writes')));
const [venue] = new SharedArray('venue', () => [{ ...read(), buyers: [] }]) as unknown as [Venue];
const buyers = new SharedArray<string>('buyers', () => read().buyers);
export const { addresses } = venue;

/** Of every click: tagged with its `kind`, and by k6 with the scenario's own tags. */
const answers = new Counter('answers');

// A refusal is an answer like any other. What is not named here, k6 counts as `http_req_failed`: a surprise. A 504 is one,
// although it is documented: the shop owes an answer and has none yet.
const declared = http.expectedStatuses(200, 201, 202, 409, 410, 429, 503);
const bearer = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

export interface Answer {
  kind: Kind;
  status: number;
  timedOut: boolean;
  problem: string | null;
  reason: string | null;
  orderId: string | null;
  /** From sending to the end of the answer, without the connecting. */
  ms: number;
  retryAfterSeconds: number | null;
}

/** The token of one buyer; each clicks once in a sale, and comes again in the next. */
export function buyer(index: number): string {
  return buyers[index] ?? fail(`the venue has ${buyers.length} buyers: make more, or send fewer`);
}

/** One click: it is answered once, whatever the answer is. */
export function buy(saleId: string, token: string): Answer {
  const response = http.post(`${venue.gatewayUrl}/v1/sales/${saleId}/orders`, '{}', {
    // Buyers share no connections. (k6's users would, and after half a minute idle the shop has closed them.)
    headers: { ...bearer(token), connection: 'close' },
    timeout: CLICK_TIMEOUT_MS,
    responseCallback: declared,
    tags: { name: 'buy' },
  });
  const answered = {
    ...readAnswer(response.status, response.headers.Location, String(response.body ?? '')),
    timedOut: response.error_code === TIMED_OUT,
  };
  const kind = answerOf(answered);
  answers.add(1, { kind });
  return {
    ...answered,
    kind,
    ms: response.timings.duration,
    retryAfterSeconds: secondsOf(response.headers['Retry-After']),
  };
}

const secondsOf = (text: string | undefined) => (text === undefined ? null : Number(text));

export interface Order {
  orderId: string;
  status: string;
  reason?: string;
  /** In Unix milliseconds; null until then. */
  decidedAt: number | null;
  /** In line, while queued. */
  position?: number;
}

/** Null while the shop cannot say. */
export function order(orderId: string, token: string): Order | null {
  const params = { headers: bearer(token), timeout: CLICK_TIMEOUT_MS, tags: { name: 'order' } };
  const response = http.get(`${venue.gatewayUrl}/v1/orders/${orderId}`, params);
  if (response.status !== 200) return null;
  const body = response.json() as unknown as Order & { decidedAt?: string };
  return { ...body, decidedAt: body.decidedAt ? Date.parse(body.decidedAt) : null };
}

export const isFinal = (found: Order | null) => found !== null && !['queued', 'held'].includes(found.status);

/** The id of the buyer's live order in that sale, for whoever clicked and does not know it. */
export function ownOrder(saleId: string, token: string): string | null {
  const params = { headers: bearer(token), timeout: CLICK_TIMEOUT_MS, tags: { name: 'own order' } };
  const response = http.get(`${venue.gatewayUrl}/v1/orders?sale=${saleId}`, params);
  return response.status === 200 ? String(response.json('orderId')) : null;
}

/** Units that the gate can still give; null while it has none to give from. */
export function remaining(saleId: string): number | null {
  const response = http.get(`${venue.gatewayUrl}/v1/sales/${saleId}`, { tags: { name: 'sale' } });
  return response.status === 200 ? (response.json('remaining') as number | null) : null;
}

export interface SaleDraft {
  mode: 'queued' | 'direct';
  stock: number;
}

/** Answers the id of a sale whose gate is open. */
export function openSale({ mode, stock }: SaleDraft): string {
  const draft = {
    sku: `k6-${mode}`,
    title: `${mode} sale of ${stock} (k6)`,
    price: { amountMinor: 4_900, currency: 'EUR' },
    stock,
    opensAt: new Date(Date.now() - 1_000).toISOString(),
    closesAt: new Date(Date.now() + DAY_MS).toISOString(),
    perBuyerLimit: 1,
    mode,
  };
  const headers = bearer(venue.adminToken);
  const response = http.post(`${venue.gatewayUrl}/v1/sales`, JSON.stringify(draft), {
    headers,
    tags: { name: 'open' },
  });
  if (response.status !== 201) fail(`no sale: ${response.status} ${response.error} ${response.body}`);
  const saleId = String(response.json('id'));
  if (!until(() => remaining(saleId) === stock, OPEN_WITHIN_MS)) fail(`the ${mode} sale ${saleId} does not open`);
  return saleId;
}

export interface Behaviour {
  /** 0: no limit. */
  chargesPerSecond: number;
  latencyMs?: { p50: number; p99: number };
}

const PLAIN = { latencyMs: { p50: 40, p99: 120 }, declineRate: 0, errorRate: 0, lateRate: 0, lateMs: 0 };

/** All of it, whatever was turned before. Setting the seed begins the bank's sequence again: the n-th charge meets one fate. */
export function setBank(behaviour: Behaviour): void {
  const body = JSON.stringify({ ...PLAIN, seed: 1111, ...behaviour });
  const params = { headers: bearer(venue.bankApiKey), tags: { name: 'bank' } };
  const response = http.patch(`${venue.bankUrl}/behaviour`, body, params);
  if (response.status !== 200) fail(`the bank does not listen: ${response.status} ${response.error} ${response.body}`);
}

/** How many charges the bank has taken since then (Unix milliseconds). */
export function chargesSince(sinceMs: number): number {
  const params = { headers: bearer(venue.bankApiKey), tags: { name: 'statement' } };
  const response = http.get(`${venue.bankUrl}/statement?since=${sinceMs}`, params);
  if (response.status !== 200) fail(`the bank shows no statement: ${response.status} ${response.error}`);
  return (response.json('charges') as { finishedAtMs: number }[]).length;
}

/** Looks again and again until it is so, or the time is up. */
export function until(isSo: () => boolean, withinMs: number): boolean {
  for (const giveUpAt = Date.now() + withinMs; Date.now() < giveUpAt; sleep(LOOK_EVERY_S)) {
    if (isSo()) return true;
  }
  return false;
}

/** Null where the shop could not say, else final, or as it was when the time was up. */
export function orderWhenFinal(orderId: string, token: string, withinMs: number): Order | null {
  let found: Order | null = null;
  until(() => {
    found = order(orderId, token);
    return isFinal(found);
  }, withinMs);
  return found;
}
