// Payment over a real Postgres, before a real bank or a scripted one, and its calls in short.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type ChargeState, chargeState } from '@flashsale/contracts/fields';
import type { PaymentServiceClient } from '@flashsale/contracts/payment';
import { call, callStream } from '@flashsale/rpc/client';
import { openService } from '../../../infra/testbed/service.ts';
import type { Env } from '../../../infra/testbed/services.ts';
import { openBank } from '../../bank/test/bank.ts';

/** Longer than any test takes. */
const LONG_MS = 60_000;

/** The caller's: payment ends by its own BANK_TIMEOUT_MS. */
export const NO_DEADLINE = Number.POSITIVE_INFINITY;

export const orderIds = (count: number) => Array.from({ length: count }, () => randomUUID() as string);
export const item = (orderId: string, amountMinor = 1_000, currency = 'EUR') => ({
  orderId,
  amount: { amountMinor, currency },
});
export const itemsOf = (ids: string[]) => ids.map((id) => item(id));

/** The database and the bank; `startPayment` may be called more than once, for a second or a later process. */
export async function openEnvironment(t: TestContext, knobs: Env = {}) {
  const bank = await openBank(t, { STOP_MS: 1, ...knobs });
  const { start } = await openService('payment', { BANK_URL: bank.url, BANK_TIMEOUT_MS: 500 }, t);
  async function startPayment(more?: Env) {
    const { client, ...payment } = await start(more);
    return { ...payment, ...callerOf(client) };
  }
  /** The status of each order on the bank's statement, or `nothing`. */
  async function moneyOf(ids: string[]): Promise<string[]> {
    const statuses = new Map((await bank.statement()).charges.map(({ key, status }) => [key, status]));
    return ids.map((id) => statuses.get(id) ?? 'nothing');
  }
  return { bank, moneyOf, startPayment };
}

/** A bank that captures and reverses at once, but for the keys that a test holds; and how often each was requested. */
export async function openScriptedBank(t: TestContext) {
  const requested: string[] = [];
  const held = new Set<string>();
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key'] ?? request.url?.split('/')[2]);
    requested.push(key);
    const respond = () =>
      request.headers['idempotency-key']
        ? response.writeHead(201).end('{}')
        : response.writeHead(200).end('{"status":"reversed"}');
    if (held.has(key)) waiting.push(respond);
    else respond();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: (key: string) => requested.filter((each) => each === key).length,
    hold: (key: string) => void held.add(key),
    letGo() {
      held.clear();
      for (const respond of waiting.splice(0)) respond();
    },
  };
}

function callerOf(client: PaymentServiceClient) {
  const words = (outcomes: { state: Parameters<typeof chargeState.fromWire>[0] }[]) =>
    outcomes.map(({ state }) => chargeState.fromWire(state));
  const get = (orderId: string) => call(client, client.getCharge, { orderId }, { deadlineMs: LONG_MS });
  /** Each response of the stream, as it arrives. */
  async function* outcomes(items: ReturnType<typeof item>[], deadlineMs = LONG_MS) {
    const within = { deadlineMs, firstWithinMs: LONG_MS };
    for await (const { outcomes } of callStream(client, client.charge, { items }, within))
      yield outcomes.map(({ orderId, state }) => [orderId, chargeState.fromWire(state)] as const);
  }
  return {
    outcomes,
    /** The known state of each when the stream has ended. */
    async charge(items: ReturnType<typeof item>[], deadlineMs?: number): Promise<(ChargeState | 'unknown')[]> {
      const known = new Map<string, ChargeState>();
      for await (const response of outcomes(items, deadlineMs))
        for (const [orderId, state] of response) known.set(orderId, state);
      return items.map(({ orderId }) => known.get(orderId.toLowerCase()) ?? 'unknown');
    },
    void: async (ids: string[]) =>
      words((await call(client, client.void, { orderIds: ids }, { deadlineMs: LONG_MS })).outcomes),
    get,
    async states(ids: string[]) {
      const charges = await Promise.all(ids.map(get));
      return words(charges.flatMap(({ charge }) => charge ?? []));
    },
  };
}
