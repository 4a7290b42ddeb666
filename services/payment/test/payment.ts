// A payment of a test's own, in this process, over a real Postgres and a real bank, and a caller of it.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { PaymentServiceClient } from '@flashsale/contracts/payment';
import { type ChargeState, chargeState } from '@flashsale/contracts/wire';
import { call, callStream, connectTo } from '@flashsale/rpc/client';
import { readConfig } from '@flashsale/runtime/config';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { API_KEY, openBank } from '../../bank/test/bank.ts';
import { startPayment } from '../src/app.ts';
import { settings } from '../src/config.ts';

export { until } from '../../bank/test/bank.ts';

/** Nobody waits that long: a call that should not meet its deadline has this one. */
const PATIENT_MS = 60_000;

/** The caller's: payment ends by its own BANK_TIMEOUT_MS. */
export const NO_DEADLINE = Number.POSITIVE_INFINITY;

export const orderIds = (count: number) => Array.from({ length: count }, () => randomUUID() as string);
export const item = (orderId: string, amountMinor = 1_000, currency = 'EUR') => ({ orderId, amountMinor, currency });

/** The stores and the bank; `startPayment` may be called more than once, for a second or a later process. */
export async function openEnvironment(t: TestContext, knobs: Record<string, unknown> = {}) {
  const namespace = await openNamespace();
  t.after(() => namespace.close());
  const bank = await openBank(t, { STOP_MS: 1, ...knobs });
  const start = (more: Record<string, unknown> = {}) =>
    openPayment(t, { DATABASE_URL: namespace.databases.payment, BANK_URL: bank.url, ...more });
  /** What the bank's statement says of each order, `nothing` included. */
  async function moneyOf(ids: string[]): Promise<string[]> {
    const lines = new Map((await bank.statement()).charges.map(({ key, status }) => [key, status]));
    return ids.map((id) => lines.get(id) ?? 'nothing');
  }
  return { bank, moneyOf, startPayment: start };
}

/** A bank that captures and reverses at once, but for the keys that a test holds; and how often it was asked for each. */
export async function openScriptedBank(t: TestContext) {
  const asked: string[] = [];
  const held = new Set<string>();
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key'] ?? request.url?.split('/')[2]);
    asked.push(key);
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
    asked: (key: string) => asked.filter((each) => each === key).length,
    hold: (key: string) => void held.add(key),
    letGo() {
      held.clear();
      for (const respond of waiting.splice(0)) respond();
    },
  };
}

async function openPayment(t: TestContext, given: Record<string, unknown>) {
  const all = { GRPC_PORT: 0, BANK_API_KEY: API_KEY, LOG_LEVEL: 'silent', BANK_TIMEOUT_MS: 500, ...given };
  const env = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, String(value)]));
  const payment = await startPayment(readConfig(settings, env));
  const client = connectTo(PaymentServiceClient, payment.address, { retries: 'never' });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    client.close();
    stopped ??= payment.stop();
    return stopped;
  };
  t.after(stop);
  return { ...payment, ...callerOf(client), stop };
}

function callerOf(client: PaymentServiceClient) {
  const words = (outcomes: { state: Parameters<typeof chargeState.fromWire>[0] }[]) =>
    outcomes.map(({ state }) => chargeState.fromWire(state));
  /** Each response of the stream, as it arrives. */
  async function* outcomes(items: ReturnType<typeof item>[], deadlineMs = PATIENT_MS) {
    for await (const { outcomes } of callStream(
      client,
      client.charge,
      { items },
      { deadlineMs, firstWithinMs: PATIENT_MS },
    ))
      yield outcomes.map(({ orderId, state }) => [orderId, chargeState.fromWire(state)] as const);
  }
  return {
    outcomes,
    /** What is known of each when the stream has ended. */
    async charge(items: ReturnType<typeof item>[], deadlineMs?: number): Promise<(ChargeState | 'unknown')[]> {
      const known = new Map<string, ChargeState>();
      for await (const response of outcomes(items, deadlineMs))
        for (const [orderId, state] of response) known.set(orderId, state);
      return items.map(({ orderId }) => known.get(orderId.toLowerCase()) ?? 'unknown');
    },
    void: async (ids: string[]) =>
      words((await call(client, client.void, { orderIds: ids }, { deadlineMs: PATIENT_MS })).outcomes),
    get: (orderId: string) => call(client, client.getCharge, { orderId }, { deadlineMs: PATIENT_MS }),
    async states(ids: string[]) {
      const charges = await Promise.all(
        ids.map((orderId) => call(client, client.getCharge, { orderId }, { deadlineMs: PATIENT_MS })),
      );
      return words(charges.flatMap(({ charge }) => charge ?? []));
    },
  };
}
