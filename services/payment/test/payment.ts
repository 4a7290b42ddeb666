// A payment of a test's own, in this process, over a real Postgres and a real bank, and a caller of it.
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { PaymentServiceClient } from '@flashsale/contracts/payment';
import { chargeState } from '@flashsale/contracts/wire';
import { call, connectTo } from '@flashsale/rpc/client';
import { readConfig } from '@flashsale/runtime/config';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { API_KEY, openBank } from '../../bank/test/bank.ts';
import { startPayment } from '../src/app.ts';
import { settings } from '../src/config.ts';

export { until } from '../../bank/test/bank.ts';

/** Nobody waits that long: a call that should not meet its deadline has this one. */
const PATIENT_MS = 60_000;

export const orderIds = (count: number) => Array.from({ length: count }, () => randomUUID() as string);
export const item = (orderId: string, amountMinor = 1_000, currency = 'EUR') => ({ orderId, amountMinor, currency });

/** The stores and the bank; `startPayment` may be called more than once, for a second or a later process. */
export async function openTown(t: TestContext, knobs: Record<string, unknown> = {}) {
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
  return {
    charge: async (items: ReturnType<typeof item>[], deadlineMs = PATIENT_MS) =>
      words((await call(client, client.charge, { items }, { deadlineMs })).outcomes),
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
