// The whole shop as processes that send their spans to a receiver in this one.
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { ServiceName } from '../address-book/address-book.ts';
import { createTokens } from '../buyers/buyers.ts';
import { forEachService } from '../native/addresses.ts';
import { LOCAL } from '../native/leftovers.ts';
import { type Stack, startStack } from '../native/stack.ts';
import { type Buying, createBuying } from '../testbed/buying.ts';
import { until } from '../until.ts';
import { type Span, startReceiver } from './receiver.ts';

type Receiver = Awaited<ReturnType<typeof startReceiver>>;
export type TracedShop = { stack: Stack; receiver: Receiver } & Buying;

/** Filled before the first test of the file, and ended after the last. */
export function tracedShop(name: string, own: Partial<Record<ServiceName, Record<string, string>>> = {}): TracedShop {
  const shop = {} as TracedShop;
  before(async () => {
    const receiver = await startReceiver();
    const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_BSP_SCHEDULE_DELAY: '200' };
    const settings = forEachService((service) => ({ ...tracing, ...own[service] }));
    const stack = await startStack({ dir: join(LOCAL, `${name}-${process.pid}`), settings });
    Object.assign(shop, { stack, receiver, ...createBuying(stack.gatewayUrl, createTokens(stack.tokenSecrets)) });
  });
  after(async () => {
    await shop.stack?.stop();
    await shop.receiver?.stop();
  });
  return shop;
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
