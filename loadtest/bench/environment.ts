// The environment of a run: a fresh stack, the references beside it, and a load on its sales.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openStores } from '../../infra/audit/stores.ts';
import { LOCAL } from '../../infra/native/leftovers.ts';
import { createVhost, managementApi } from '../../infra/native/namespace.ts';
import { freePort } from '../../infra/native/ports.ts';
import { startProcess, untilReady } from '../../infra/native/processes.ts';
import { type Stack, startService, startStack } from '../../infra/native/stack.ts';
import { layLedger } from './ledger.ts';
import { createLoad } from './load.ts';
import type { Settings } from './settings.ts';

export type Environment = Awaited<ReturnType<typeof openEnvironment>>;

const FAST_BANK = { CHARGES_PER_SECOND: '0', LATENCY_P50_MS: '0', LATENCY_P99_MS: '0' };

export async function openEnvironment(settings: Settings, end: AbortSignal, log: (line: string) => void) {
  await using opened = new AsyncDisposableStack();
  const lost = new AbortController();
  const signal = AbortSignal.any([end, lost.signal]);
  const onLost = (server: string) => lost.abort(new Error(`no bench without ${server}, which has ended`));
  const dir = join(LOCAL, `bench-${process.pid}`);
  const stack = await startStack({ dir, settings: { bank: FAST_BANK }, onLost, signal });
  opened.defer(stack.stop);
  const stores = openStores(stack);
  opened.defer(stores.close);
  const [orders, load] = [ordersOf(stack), createLoad(stack, stores, signal)];
  opened.defer(orders.stop);
  opened.defer(load.stop);
  const ledger = await layLedger(stack.databases.orders);
  const refusal = await startReference(opened, dir, 'refusal');
  const accept = await startAccept(opened, stack);
  const tested = { gateway: { gatewayUrl: stack.gatewayUrl, pid: stack.pids.gateway ?? 0 }, refusal, accept };
  const toClose = opened.move();
  const close = { [Symbol.asyncDispose]: () => toClose.disposeAsync() };
  return { settings, signal, log, stack, stores, orders, ledger, ...tested, ...load, ...close };
}

/** The orders service, to be stopped and restarted while all others stay. */
function ordersOf(stack: Stack) {
  let [service] = stack.services.orders;
  return {
    stop: () => service.stop(),
    async start(): Promise<void> {
      service = startService(stack, 'orders');
      await service.ready();
    },
  };
}

/** With a Redis database and a virtual host of its own: its remains never reach the gateway and orders. */
async function startAccept(opened: AsyncDisposableStack, stack: Stack) {
  const password = await createVhost(managementApi(stack.rabbitManagementUrl), 'reference');
  const saleIds = { warmUp: randomUUID(), counted: randomUUID() };
  const reference = await startReference(opened, stack.dir, 'accept', {
    REDIS_URL: `${stack.redisUrl}/1`,
    AMQP_URL: `amqp://reference:${password}@${new URL(stack.amqpUrl).host}/reference`,
    BUYER_TOKEN_SECRET: stack.tokenSecrets.buyer,
    SALE_IDS: Object.values(saleIds).join(','),
  });
  return { ...reference, saleIds };
}

/** A reference that is a process, started as a service is, with the same Node. */
export async function startReference(opened: AsyncDisposableStack, dir: string, name: string, own = {}) {
  const port = await freePort();
  const child = startProcess({
    dir,
    name: `reference-${name}`,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, `references/${name}.ts`)],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', PORT: String(port), ...own },
  });
  opened.defer(async () => void (await child.stop()));
  const gatewayUrl = `http://127.0.0.1:${port}`;
  await untilReady(child, () => fetch(gatewayUrl, { method: 'POST' }));
  return { gatewayUrl, pid: child.pid };
}
