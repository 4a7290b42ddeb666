// The crowd, in a thread of its own: each click leaves when it is due, whatever became of the clicks before it.
import { lookup } from 'node:dns/promises';
import { parentPort } from 'node:worker_threads';
import { Pool } from 'undici';
import type { Click } from '../clients/answer.ts';
import { type Answered, answerOf, readAnswer } from '../clients/answer.ts';

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
function poolTo(origin: string): Pool {
  const pool = pools.get(origin) ?? new Pool(origin, { connections: null, pipelining: 1 });
  pools.set(origin, pool);
  return pool;
}

/** One for each gateway behind the name, to be clicked at in turn, as a load balancer would have it. */
async function poolsTo(gatewayUrl: string): Promise<Pool[]> {
  const url = new URL(gatewayUrl);
  const gateways = await lookup(url.hostname, { all: true, family: 4 });
  return gateways.map(({ address }) => poolTo(`${url.protocol}//${address}:${url.port}`));
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
  const send = sender(await poolsTo(gatewayUrl), `/v1/sales/${saleId}/orders`, timeoutMs, tally);
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

function sender(pools: Pool[], path: string, timeoutMs: number, tally: Tally) {
  return async (token: string, dueAt: number): Promise<Click> => {
    const pool = pools[tally.sent % pools.length] as Pool;
    tally.sent += 1;
    const lateMs = performance.now() - dueAt;
    const answer = await click(pool, path, token, timeoutMs);
    const clicked = { ...answer, lateMs, answerMs: performance.now() - dueAt, answeredAt: Date.now() };
    const kind = answerOf(clicked);
    tally[kind === 'yes' ? 'yes' : kind === 'unknown' || kind === 'error' ? 'other' : 'refused'] += 1;
    return clicked;
  };
}

type Answer = Answered & Pick<Click, 'orderId'>;

/** `dispatch` and not `request`, which costs a third more: this thread takes its time from the machine it measures. */
function click(pool: Pool, path: string, token: string, timeoutMs: number): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const patience = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  return new Promise((resolve) => {
    let status = 0;
    let location: string | undefined;
    let text = '';
    pool.dispatch(
      { path, method: 'POST', headers, body: '{}', ...patience },
      {
        onRequestStart: () => undefined,
        onResponseStart(_controller, statusCode, headers) {
          status = statusCode;
          location = headers.location?.toString();
        },
        onResponseData(_controller, chunk) {
          text += chunk;
        },
        onResponseEnd: () => resolve(readAnswer(status, location, text)),
        onResponseError: (_controller, error) => resolve({ ...NO_ANSWER, timedOut: TIMEOUTS.has(error.name) }),
      },
    );
  });
}

const NO_ANSWER = { status: 0, problem: null, reason: null, orderId: null };
const TIMEOUTS = new Set(['HeadersTimeoutError', 'BodyTimeoutError']);
