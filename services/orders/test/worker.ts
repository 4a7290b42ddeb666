// An orders process-to-be, with wires and proxies between it and everything else: a test may cut, hold, lose or kill.
import type { OrderCommand } from '@flashsale/contracts/messages';
import { type Order, OrdersServiceClient } from '@flashsale/contracts/orders';
import { orderStatus } from '@flashsale/contracts/wire';
import { call, connectTo } from '@flashsale/rpc/client';
import { RpcError, status } from '@flashsale/rpc/server';
import { readConfig } from '@flashsale/runtime/config';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { startOrders } from '../src/app.ts';
import { settings } from '../src/config.ts';
import { openNeighbours } from './neighbours.ts';
import type { Town } from './town.ts';

/** No call runs out of time by itself, and rows are only taken up again by a worker that is told to. */
const SETTINGS = { RPC_DEADLINE_MS: '60000', CHARGE_PATIENCE_MS: '60000', RESUME_EVERY_MS: '100' };
export const RESUMES = { RESUME_AFTER_MS: '300' };
const RESUMES_NEVER = { RESUME_AFTER_MS: '3600000' };

export type Worker = Awaited<ReturnType<typeof startWorker>>;

export async function startWorker(town: Town, env: Record<string, string> = {}) {
  const wires = {
    postgres: await layWire(town.namespace.databases.orders),
    amqp: await layWire(town.namespace.amqpUrl),
  };
  const { inventory, payment, ...neighbours } = await openNeighbours(town);
  const orders = await startOrders(
    readConfig(settings, {
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent',
      GRPC_PORT: '0',
      DATABASE_URL: wires.postgres.url,
      AMQP_URL: wires.amqp.url,
      INVENTORY_ADDRESS: inventory.address,
      PAYMENT_ADDRESS: payment.address,
      ...SETTINGS,
      ...RESUMES_NEVER,
      ...env,
    }),
  );
  const client = connectTo(OrdersServiceClient, orders.address, { retries: 'never' });
  let stopped: Promise<void> | undefined;
  async function stop() {
    client.close();
    neighbours.letGo();
    await orders.stop();
    await neighbours.stop();
    await Promise.all(Object.values(wires).map((wire) => wire.close()));
  }
  return {
    wires,
    inventory,
    payment,
    client,
    ops: orders.ops,
    place: async (command: OrderCommand, deadlineMs = 60_000) =>
      words((await call(client, client.placeOrder, { command }, { deadlineMs })).order),
    get: async (...orderIds: string[]) =>
      (await call(client, client.getOrders, { orderIds }, { deadlineMs: 60_000 })).orders.map(words),
    cancel: async (command: OrderCommand) =>
      words((await call(client, client.cancelOrder, { command }, { deadlineMs: 60_000 })).order),
    ready: () => until('orders is ready', async () => (await fetch(`http://127.0.0.1:${orders.ops}/readyz`)).ok),
    /** For everybody else it is dead: its connections are gone, and nothing that it begins arrives anywhere. */
    die() {
      for (const wire of Object.values(wires)) wire.block(true);
      for (const method of ['reserve', 'confirm', 'release']) inventory.on(method, unreachable);
      for (const method of ['charge', 'void']) payment.on(method, unreachable);
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

const unreachable = async () => {
  throw new RpcError(status.UNAVAILABLE, 'cut off');
};

function words(order: Order | undefined) {
  if (!order?.found) return { ...order, status: 'not found' };
  return { ...order, status: orderStatus.fromWire(order.status) };
}
