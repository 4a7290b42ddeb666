// The load generator's thread: sends one load at a time, by a timetable or over so many connections, and records it.
import { lookup } from 'node:dns/promises';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { Pool } from 'undici';
import { type Click, type Outcome, outcomeOf, readResponse } from '../clients/outcome.ts';

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
  /** Open model: more clicks in flight end the load. */
  maxInFlight?: number;
  /** Closed model: each connection clicks again as soon as it has its response. */
  connections?: number;
  /** False: responses are counted and forgotten. */
  keep?: boolean;
}

export type Tally = Record<'sent' | 'yes' | 'refused' | 'other', number>;
type LoadRecord = ReturnType<typeof createRecord>;
export type LoadResult = ReturnType<LoadRecord['result']>;
export type Report = { tally: Tally } | { lastClick: true } | { result: LoadResult };
type Clicking = { click(dueAt: number): Promise<void>; isOver(): boolean };

const TALLY_EVERY_MS = 200;
/** The timers and the scheduler of a machine that keeps up delay a click by less. */
const LATE_MS = 20;
const TALLIED: Partial<Record<Outcome, keyof Tally>> = { yes: 'yes', unknown: 'other', error: 'other' };
const NO_RESPONSE = readResponse(0, undefined, '');
const TIMEOUTS = new Set(['HeadersTimeoutError', 'BodyTimeoutError']);

let tokens: string[] = [];
let end = new AbortController();
const report = (one: Report) => parentPort?.postMessage(one);

parentPort?.on('message', async (message: Load | 'stop') => {
  if (message === 'stop') return end.abort();
  end = new AbortController();
  tokens = message.tokens ?? tokens;
  const record = createRecord(message.keep ?? true);
  const reporting = setInterval(report, TALLY_EVERY_MS, { tally: record.tally });
  const result = await send({ ...message, tokens }, record);
  clearInterval(reporting);
  report({ tally: record.tally });
  report({ result });
});

async function send(load: Load, record: LoadRecord): Promise<LoadResult> {
  const pools = await connect(load);
  const destroy = () => Promise.all(pools.map((pool) => pool.destroy()));
  end.signal.addEventListener('abort', destroy);
  const inFlight = new Set<Promise<void>>();
  const click = (dueAt: number) => {
    const nth = record.tally.sent++;
    const lateMs = performance.now() - dueAt;
    const responding = post(pools[nth % pools.length], load, tokens[nth % tokens.length]).then((response) => {
      inFlight.delete(responding);
      record.add(nth, { ...response, lateMs, responseMs: performance.now() - dueAt, respondedAt: Date.now() });
    });
    inFlight.add(responding);
    return responding;
  };
  const isOver = () => end.signal.aborted || inFlight.size > (load.maxInFlight ?? Number.POSITIVE_INFINITY);
  const startedAt = performance.now();
  await (load.connections ? keepBusy : keepTimetable)(load, { click, isOver });
  const lastClickAt = Date.now();
  report({ lastClick: true });
  await Promise.all(inFlight);
  const seconds = (performance.now() - startedAt) / 1_000;
  await destroy();
  return record.result(lastClickAt, seconds);
}

/** To each gateway behind the name, to be clicked at in turn, as a load balancer would. */
async function connect({ gatewayUrl, connections }: Load): Promise<Pool[]> {
  // By a timetable as many as there are calls in flight: a click that waited in the client would be late.
  const limit = { connections: connections ?? null, pipelining: 1 };
  const { hostname, protocol, port } = new URL(gatewayUrl);
  const gateways = await lookup(hostname, { all: true, family: 4 });
  return gateways.map(({ address }) => new Pool(`${protocol}//${address}:${port}`, limit));
}

async function keepTimetable({ seconds, clicks = tokens.length }: Load, { click, isOver }: Clicking): Promise<void> {
  const everyMs = (seconds * 1_000) / clicks;
  const startsAt = performance.now() + everyMs;
  for (let nth = 0; nth < clicks && !isOver(); nth++) {
    const dueAt = startsAt + nth * everyMs;
    for (let now = performance.now(); now < dueAt; now = performance.now()) await sleep(dueAt - now);
    click(dueAt);
  }
}

async function keepBusy(load: Load, { click, isOver }: Clicking): Promise<void> {
  const { seconds, connections = 1, clicks = Number.POSITIVE_INFINITY } = load;
  const endsAt = performance.now() + seconds * 1_000;
  let sent = 0;
  const keepClicking = async () => {
    while (sent++ < clicks && performance.now() < endsAt && !isOver()) await click(performance.now());
  };
  await Promise.all(Array.from({ length: connections }, keepClicking));
}

/** `dispatch` and not `request`, which costs a third more: this thread takes its time from the machine it measures. */
function post(pool: Pool | undefined, { saleId, timeoutMs }: Load, token?: string) {
  const { promise, resolve } = Promise.withResolvers<typeof NO_RESPONSE>();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const request = { path: `/v1/sales/${saleId}/orders`, method: 'POST' as const, headers, body: '{}' };
  let [status, location, text] = [0, '', ''];
  pool?.dispatch(
    { ...request, headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, statusCode, headers) => {
        [status, location] = [statusCode, String(headers.location ?? '')];
      },
      onResponseData: (_controller, chunk) => {
        text += chunk;
      },
      onResponseEnd: () => resolve(readResponse(status, location || undefined, text)),
      onResponseError: (_controller, error) => resolve({ ...NO_RESPONSE, timedOut: TIMEOUTS.has(error.name) }),
    },
  );
  return promise;
}

function createRecord(keep: boolean) {
  const tally: Tally = { sent: 0, yes: 0, refused: 0, other: 0 };
  const clicks: Click[] = [];
  const statuses: Record<string, number> = {};
  const errors = { connection: 0, timeout: 0 };
  const waits = createHistogram();
  let [late, latestMs] = [0, 0];
  return {
    tally,
    add(nth: number, click: Click): void {
      const { status, timedOut, lateMs, responseMs } = click;
      tally[TALLIED[outcomeOf(click)] ?? 'refused'] += 1;
      if (status) statuses[status] = (statuses[status] ?? 0) + 1;
      else errors[timedOut ? 'timeout' : 'connection'] += 1;
      waits.record(Math.max(1, Math.round(responseMs * 1e3)));
      if (lateMs > LATE_MS) late += 1;
      latestMs = Math.max(latestMs, lateMs);
      if (keep) clicks[nth] = click;
    },
    /** Clicks are in the order in which they were due, latency counts from then, and late is a click sent late. */
    result(lastClickAt: number, seconds: number) {
      const latencyMs = { p50: waits.percentile(50) / 1e3, p99: waits.percentile(99) / 1e3, max: waits.max / 1e3 };
      const [requests, lateShare] = [waits.count, late / Math.max(1, waits.count)];
      return { clicks, lastClickAt, requests, seconds, statuses, errors, latencyMs, lateShare, latestMs };
    },
  };
}
