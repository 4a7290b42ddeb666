// Payment as orders calls it, before a payment of the test's own: streams that are shared, slow, cut short or lost.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type ChargeRequest, type ChargeResponse, ChargeState } from '@flashsale/contracts/payment';
import { RpcError, status } from '@flashsale/rpc/handlers';
import type { Log } from '@flashsale/runtime/log';
import { Registry } from '@prometheus-io/client';
import { proxyRpc } from '../../../infra/testbed/rpc-proxy.ts';
import { times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import type { Config } from '../src/config.ts';
import { createPayment } from '../src/outbound/payment.ts';

const MINUTE_MS = 60_000;
const orderIds = (count: number) => times(count, () => randomUUID() as string);
const due = (orderId: string) => ({ orderId, amount: { amountMinor: 1_000, currency: 'EUR' } });
const lost = async (): Promise<never> => {
  throw new RpcError(status.UNAVAILABLE, 'lost');
};

async function openPayment(t: TestContext, charge: (request: ChargeRequest) => AsyncIterable<ChargeResponse>) {
  const neighbour = await proxyRpc('payment');
  neighbour.on('charge', charge);
  const warnings: object[] = [];
  const log = { warn: (fields: object) => void warnings.push(fields) } as unknown as Log;
  const payment = createPayment({ PAYMENT_ADDRESS: neighbour.address } as Config, log, new Registry(), 5);
  t.after(async () => {
    payment.stop();
    await neighbour.stop();
  });
  return { payment, warnings };
}

const captured = (...ids: (string | undefined)[]): ChargeResponse => ({
  outcomes: ids.map((orderId) => ({ orderId: String(orderId), state: ChargeState.CAPTURED })),
});

test('charges of the same moment share a stream, and each returns when its own outcome arrives', async (t) => {
  const [first, second, third] = orderIds(3) as [string, string, string];
  const rest = Promise.withResolvers<void>();
  const requests: string[][] = [];
  const { payment } = await openPayment(t, async function* ({ items }) {
    requests.push(items.map(({ orderId }) => orderId));
    yield captured(second);
    await rest.promise;
    yield captured(third, first);
  });
  const returned: string[] = [];
  const charges = [first, second, third].map(async (id) => {
    assert.equal(await payment.charge(due(id), MINUTE_MS), 'captured');
    returned.push(id);
  });
  await charges[1];
  assert.deepEqual(returned, [second]);
  rest.resolve();
  await Promise.all(charges);
  assert.deepEqual(requests, [[first, second, third]]);
});

test('an outcome that is missing when the stream ends is unknown, and so is one that says requested', async (t) => {
  const [known, missing, requested] = orderIds(3) as [string, string, string];
  const { payment, warnings } = await openPayment(t, async function* () {
    yield captured(known);
    yield { outcomes: [{ orderId: requested, state: ChargeState.REQUESTED }] };
  });
  const outcomes = await Promise.all([known, missing, requested].map((id) => payment.charge(due(id), MINUTE_MS)));
  assert.deepEqual(outcomes, ['captured', undefined, undefined]);
  assert.deepEqual(warnings, []);
});

test('a stream that fails leaves what is missing unknown, and is logged once, not for each order', async (t) => {
  const [known, ...others] = orderIds(20) as [string, ...string[]];
  const { payment, warnings } = await openPayment(t, async function* () {
    yield captured(known);
    await lost();
  });
  const outcomes = await Promise.all([known, ...others].map((id) => payment.charge(due(id), MINUTE_MS)));
  assert.deepEqual(outcomes, ['captured', ...others.map(() => undefined)]);
  assert.equal(warnings.length, 1);
});

test('a caller waits no longer than its own deadline, though its stream goes on for another', async (t) => {
  const [short, long] = orderIds(2) as [string, string];
  const rest = Promise.withResolvers<void>();
  const { payment } = await openPayment(t, async function* () {
    await rest.promise;
    yield captured(short, long);
  });
  const charges = [payment.charge(due(short), 50), payment.charge(due(long), MINUTE_MS)];
  assert.equal(await charges[0], undefined);
  rest.resolve();
  assert.equal(await charges[1], 'captured');
});

test('streams that last hold up no new one', async (t) => {
  const ids = orderIds(12);
  const hanging = new Set(ids.slice(0, 10));
  const end = Promise.withResolvers<void>();
  t.after(() => end.resolve());
  let streams = 0;
  const { payment } = await openPayment(t, async function* ({ items }) {
    streams += 1;
    if (items.some(({ orderId }) => hanging.has(orderId))) await end.promise;
    yield captured(...items.map(({ orderId }) => orderId));
  });
  const charges: Promise<unknown>[] = [];
  for (const id of hanging) {
    charges.push(payment.charge(due(id), MINUTE_MS));
    await until('it has a stream of its own', () => streams === charges.length);
  }
  assert.equal(await payment.charge(due(String(ids[10])), MINUTE_MS), 'captured');
  end.resolve();
  assert.deepEqual(new Set(await Promise.all(charges)), new Set(['captured']));
});

test('a payment that does not respond has said nothing of a void, nor of a state', async (t) => {
  const { payment } = await openPayment(t, async function* () {});
  const [id] = orderIds(1) as [string];
  assert.equal((await payment.void([id], 1_000)).size, 0);
  assert.equal(await payment.stateOf(id, 1_000), undefined);
});
