// The crowd, in a thread of its own: each click leaves when it is due, whatever became of the clicks before it.
import { parentPort } from 'node:worker_threads';
import { errors, Pool } from 'undici';
import { answerOf, type Click } from './figures.ts';

export interface CrowdOrder {
  gatewayUrl: string;
  saleId: string;
  tokens: string[];
  seconds: number;
  timeoutMs: number;
}

export interface Tally {
  sent: number;
  yes: number;
  refused: number;
  other: number;
}

export type CrowdReport = { tally: Tally } | { left: true } | { clicks: Click[]; lastClickAt: number };

const TALLY_EVERY_MS = 200;

// As many connections as there are calls in flight: a click that waited in the client would not be a click.
const pools = new Map<string, Pool>();
function poolTo(gatewayUrl: string): Pool {
  const pool = pools.get(gatewayUrl) ?? new Pool(gatewayUrl, { connections: null, pipelining: 1 });
  pools.set(gatewayUrl, pool);
  return pool;
}

parentPort?.on('message', async (order: CrowdOrder) => {
  const tally: Tally = { sent: 0, yes: 0, refused: 0, other: 0 };
  const report = (message: CrowdReport) => parentPort?.postMessage(message);
  const telling = setInterval(() => report({ tally }), TALLY_EVERY_MS);
  const { answers, lastClickAt } = await sendAll(order, tally);
  report({ left: true });
  const clicks = await Promise.all(answers);
  clearInterval(telling);
  report({ tally });
  report({ clicks, lastClickAt });
});

async function sendAll({ gatewayUrl, saleId, tokens, seconds, timeoutMs }: CrowdOrder, tally: Tally) {
  const pool = poolTo(gatewayUrl);
  const send = sender(pool, `/v1/sales/${saleId}/orders`, timeoutMs, tally);
  const everyMs = (seconds * 1000) / tokens.length;
  const answers: Promise<Click>[] = [];
  const startsAt = performance.now() + everyMs;
  for (const token of tokens) {
    const dueAt = startsAt + answers.length * everyMs;
    for (let waitMs = dueAt - performance.now(); waitMs > 0; waitMs = dueAt - performance.now()) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    answers.push(send(token, dueAt));
  }
  return { answers, lastClickAt: Date.now() };
}

function sender(pool: Pool, path: string, timeoutMs: number, tally: Tally) {
  return async (token: string, dueAt: number): Promise<Click> => {
    tally.sent += 1;
    const lateMs = performance.now() - dueAt;
    const answer = await click(pool, path, token, timeoutMs);
    const clicked = { ...answer, lateMs, answerMs: performance.now() - dueAt, answeredAt: Date.now() };
    const kind = answerOf(clicked);
    tally[kind === 'yes' ? 'yes' : kind === 'unknown' || kind === 'error' ? 'other' : 'refused'] += 1;
    return clicked;
  };
}

type Answer = Pick<Click, 'status' | 'timedOut' | 'problem' | 'orderId'>;

async function click(pool: Pool, path: string, token: string, timeoutMs: number): Promise<Answer> {
  try {
    const { statusCode, headers, body } = await pool.request({
      path,
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    const text = await body.text();
    const problem = PROBLEM_TYPE.exec(text)?.[1] ?? null;
    const location = statusCode < 300 || statusCode === 504 ? headers.location : undefined;
    return { status: statusCode, timedOut: false, problem, orderId: orderIdIn(location) };
  } catch (error) {
    return {
      status: 0,
      timedOut: error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError,
      problem: null,
      orderId: null,
    };
  }
}

const PROBLEM_TYPE = /"type":"\/problems\/([a-z-]+)"/;

/** What a yes and an unknown outcome name; another answer's order is not this click's. */
const orderIdIn = (location: string | string[] | undefined) =>
  typeof location === 'string' ? (location.split('/').at(-1) ?? null) : null;
