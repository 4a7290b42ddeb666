// The load generator's thread: sends one load at a time, by a timetable or over so many connections.
import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { Client, type Dispatcher, Pool } from 'undici';
import { type Answered, type Click, readAnswer } from '../clients/answer.ts';
import { createRecord, type LoadResult, type Tally } from './record.ts';

export type { Tally };

export interface Load {
  gatewayUrl: string;
  saleId: string;
  /** Each click takes the next one; after the last the first again. */
  tokens: string[];
  timeoutMs: number;
  /** Open model: clicks are due evenly over this time. Closed model: no click begins later. */
  seconds: number;
  /** Open model: by default one for each token. Closed model: by default as many as there is time for. */
  clicks?: number;
  /** Closed model: each connection clicks again as soon as it has its answer. */
  connections?: number;
  /** False: answers are counted and forgotten. */
  keep?: boolean;
}

export type Report = { tally: Tally } | { left: true } | { result: LoadResult };

const TALLY_EVERY_MS = 200;

let tokens: string[] = [];
let end = new AbortController();

parentPort?.on('message', async (message: Load | 'stop') => {
  if (message === 'stop') return end.abort();
  end = new AbortController();
  tokens = message.tokens ?? tokens;
  const report = (one: Report) => parentPort?.postMessage(one);
  const record = createRecord(message.keep ?? true);
  const reporting = setInterval(() => report({ tally: record.tally }), TALLY_EVERY_MS);
  const result = await send({ ...message, tokens }, record, () => report({ left: true }));
  clearInterval(reporting);
  report({ tally: record.tally });
  report({ result });
});

type Clicking = (connection: Dispatcher, dueAt: number) => Promise<unknown>;

async function send(load: Load, record: ReturnType<typeof createRecord>, onLeft: () => void): Promise<LoadResult> {
  const { signal } = end;
  const connections = await connect(load);
  const destroy = () => Promise.all(connections.map((one) => one.destroy()));
  signal.addEventListener('abort', destroy);
  const inFlight = new Set<Promise<unknown>>();
  const click: Clicking = (connection, dueAt) => {
    const nth = record.tally.sent++;
    const lateMs = performance.now() - dueAt;
    const answering = post(connection, load, load.tokens[nth % load.tokens.length]).then((answer) => {
      inFlight.delete(answering);
      record.add(nth, { ...answer, lateMs, answerMs: performance.now() - dueAt, answeredAt: Date.now() });
    });
    inFlight.add(answering);
    return answering;
  };
  const startedAt = performance.now();
  await (load.connections ? keepBusy : keepTimetable)(load, connections, click, signal);
  const lastClickAt = Date.now();
  onLeft();
  await Promise.all(inFlight);
  const seconds = (performance.now() - startedAt) / 1_000;
  await destroy();
  return record.result(lastClickAt, seconds);
}

/** To each gateway behind the name in turn, as a load balancer would. */
async function connect({ gatewayUrl, connections }: Load): Promise<(Client | Pool)[]> {
  const url = new URL(gatewayUrl);
  const gateways = await lookup(url.hostname, { all: true, family: 4 });
  const origins = gateways.map(({ address }) => `${url.protocol}//${address}:${url.port}`);
  if (connections) return Array.from({ length: connections }, (_, i) => new Client(origins[i % origins.length] ?? url));
  // As many connections as there are calls in flight: a click must not wait in the client.
  return origins.map((origin) => new Pool(origin, { connections: null, pipelining: 1 }));
}

async function keepTimetable(load: Load, pools: Dispatcher[], click: Clicking, signal: AbortSignal): Promise<void> {
  const { seconds, clicks = load.tokens.length } = load;
  const everyMs = (seconds * 1_000) / clicks;
  const startsAt = performance.now() + everyMs;
  for (let nth = 0; nth < clicks && !signal.aborted; nth++) {
    const dueAt = startsAt + nth * everyMs;
    for (let waitMs = dueAt - performance.now(); waitMs > 0; waitMs = dueAt - performance.now()) await sleep(waitMs);
    click(pools[nth % pools.length] as Dispatcher, dueAt);
  }
}

async function keepBusy(load: Load, clients: Dispatcher[], click: Clicking, signal: AbortSignal): Promise<void> {
  const { seconds, clicks = Number.POSITIVE_INFINITY } = load;
  const endsAt = performance.now() + seconds * 1_000;
  let sent = 0;
  const keepClicking = async (client: Dispatcher) => {
    while (sent++ < clicks && performance.now() < endsAt && !signal.aborted) await click(client, performance.now());
  };
  await Promise.all(clients.map(keepClicking));
}

type Answer = Answered & Pick<Click, 'orderId'>;

const NO_ANSWER = { status: 0, problem: null, reason: null, orderId: null };
const TIMEOUTS = new Set(['HeadersTimeoutError', 'BodyTimeoutError']);

/** `dispatch` and not `request`, which costs a third more: this thread takes its time from the machine it measures. */
function post(connection: Dispatcher, { saleId, timeoutMs }: Load, token?: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const timeouts = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  return new Promise((resolve) => {
    let status = 0;
    let location: string | undefined;
    let text = '';
    connection.dispatch(
      { path: `/v1/sales/${saleId}/orders`, method: 'POST', headers, body: '{}', ...timeouts },
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
