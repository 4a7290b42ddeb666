// The whole shop as processes that send their spans to a receiver in this one.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ServiceName } from '../address-book/address-book.ts';
import { createTokens } from '../buyers/buyers.ts';
import { forEachService } from '../native/addresses.ts';
import { LOCAL } from '../native/leftovers.ts';
import { startStack } from '../native/stack.ts';
import { createBuying } from '../testbed/buying.ts';
import { openEnding } from '../testbed/ending.ts';
import { until } from '../until.ts';
import { type Span, startReceiver } from './receiver.ts';

export type TracedShop = Awaited<ReturnType<typeof openTracedShop>>;

/** Ends after the tests of the file. */
export async function openTracedShop(name: string, own: Partial<Record<ServiceName, Record<string, string>>> = {}) {
  const { closed, stopped } = openEnding();
  const receiver = stopped(await startReceiver());
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
  const settings = forEachService((service) => ({ ...tracing, ...own[service] }));
  const stack = stopped(await startStack({ dir: join(LOCAL, `${name}-${process.pid}`), settings }));
  const tokenFor = createTokens(stack.tokenSecrets);
  return { stack, receiver, closed, tokenFor, ...createBuying(stack.gatewayUrl, tokenFor) };
}

export const traceIdOf = (orderId: string) => orderId.replaceAll('-', '');

/** The steps of a trace in words, in the order of their names: `orders payment.charge`. */
export const stepsOf = (spans: Span[]) => spans.map(({ service, name }) => `${service} ${name}`).toSorted();

/** Buys at once, and waits until each is confirmed. */
export async function buyAll(shop: TracedShop, mode: 'queued' | 'direct', count: number): Promise<string[]> {
  const saleId = await shop.createSale({ mode, stock: count });
  const buyers = Array.from({ length: count }, (_, nth) => `${mode}-${nth}-${saleId}`);
  const bought = await Promise.all(buyers.map((buyer) => shop.buy(saleId, buyer)));
  const orders = await Promise.all(
    bought.map(({ orderId = '', location }, nth) =>
      shop.reaches(location ?? orderId, buyers[nth] as string, 'confirmed'),
    ),
  );
  return orders.map(({ orderId }) => orderId);
}

/** Waits until the trace of each order has these steps, and fails with those of the first that has others. */
export async function untilSteps({ receiver }: TracedShop, orderIds: string[], steps: string[]): Promise<void> {
  const wanted = steps.toSorted().join('\n');
  const missing = () => orderIds.find((id) => stepsOf(receiver.traceOf(traceIdOf(id))).join('\n') !== wanted);
  await until('each trace has its steps', () => missing() === undefined).catch((error) => {
    throw new Error(stepsOf(receiver.traceOf(traceIdOf(missing() ?? ''))).join('\n'), { cause: error });
  });
}

/** One root, with the ids that follow from the order's, and every other span below it. */
export function assertIsOne({ receiver }: TracedShop, orderId: string): void {
  const spans = receiver.traceOf(traceIdOf(orderId));
  const roots = spans.filter(({ parentSpanId }) => !parentSpanId);
  assert.deepEqual(
    roots.map(({ name, spanId }) => [name, spanId]),
    [['click', traceIdOf(orderId).slice(16)]],
  );
  const ids = new Set(spans.map(({ spanId }) => spanId));
  for (const { name, parentSpanId } of spans) assert.ok(!parentSpanId || ids.has(parentSpanId), name);
}
