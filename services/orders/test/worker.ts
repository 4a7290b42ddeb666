// An orders process, with wires and proxies between it and everything else: a test may cut, hold, lose or kill.
import type { OrderCommand } from '@flashsale/contracts/messages';
import { type CancelOrderRequest, CancelReason, type Order, OrdersServiceClient } from '@flashsale/contracts/orders';
import { orderStatus, refund } from '@flashsale/contracts/wire';
import { call, connectTo } from '@flashsale/rpc/client';
import { RpcError, status } from '@flashsale/rpc/server';
import { readConfig } from '@flashsale/runtime/config';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { startOrders } from '../src/app.ts';
import { settings } from '../src/config.ts';
import type { Environment } from './environment.ts';
import { openNeighbours } from './neighbours.ts';

/** No call runs out of time by itself, and a pending compensation is only taken up by a worker that is told to. */
const SETTINGS = {
  RPC_DEADLINE_MS: '60000',
  CHARGE_TIMEOUT_MS: '60000',
  JOBS_EVERY_MS: '100',
  COMPENSATE_AFTER_MS: '600000',
};
export const TAKES_UP = { COMPENSATE_AFTER_MS: '300' };

export type Worker = Awaited<ReturnType<typeof startWorker>>;

export async function startWorker(environment: Environment, env: Record<string, string> = {}) {
  const wires = {
    postgres: await layWire(environment.namespace.databases.orders),
    amqp: await layWire(environment.namespace.amqpUrl),
  };
  const { inventory, payment, ...neighbours } = await openNeighbours(environment);
  const orders = await startOrders(
    readConfig(settings, {
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'silent',
      GRPC_PORT: '0',
      DATABASE_URL: wires.postgres.url,
      AMQP_URL: wires.amqp.url,
      INVENTORY_ADDRESS: inventory.address,
      PAYMENT_ADDRESS: payment.address,
      ...SETTINGS,
      ...env,
    }),
  );
  const client = connectTo(OrdersServiceClient, orders.address, { retries: 'never' });
  const cancel = async (request: Partial<CancelOrderRequest> & Pick<CancelOrderRequest, 'reason'>) =>
    words((await call(client, client.cancelOrder, { ...NOTHING, ...request }, { deadlineMs: 60_000 })).order);
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
    /** On the direct path. */
    place: async (order: OrderCommand, deadlineMs = 60_000) =>
      words((await call(client, client.placeOrder, { command: asCommand(order) }, { deadlineMs })).order),
    pay: async ({ orderId, buyerId }: { orderId: string; buyerId: string }, deadlineMs = 60_000) =>
      words((await call(client, client.payOrder, { orderId, buyerId }, { deadlineMs })).order),
    get: async (...orderIds: string[]) =>
      (await call(client, client.getOrders, { orderIds }, { deadlineMs: 60_000 })).orders.map(words),
    cancel: ({ orderId, buyerId }: { orderId: string; buyerId: string }) =>
      cancel({ reason: CancelReason.BUYER, orderId, buyerId }),
    cancelAsAdmin: (orderId: string) => cancel({ reason: CancelReason.ADMIN, orderId }),
    giveUp: (order: OrderCommand) => cancel({ reason: CancelReason.GIVEN_UP, command: asCommand(order) }),
    ready: () => until('orders is ready', async () => (await fetch(`http://127.0.0.1:${orders.ops}/readyz`)).ok),
    /** For all others it is dead: its connections are gone, and nothing that it begins arrives anywhere. */
    die() {
      for (const wire of Object.values(wires)) wire.block(true);
      for (const method of ['reserve', 'confirm', 'release']) inventory.on(method, unreachable);
      for (const method of ['charge', 'void', 'getCharge']) payment.on(method, unreachable);
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

const NOTHING = { orderId: '', buyerId: '', command: undefined };

/** Sends what is left of its time; a direct order is one, whatever the test's `anOrder` says. */
export const asCommand = ({ deadlineMs, mode, ...order }: OrderCommand) => ({
  ...order,
  mode: mode === 'queued' ? 'direct' : mode,
  decideWithinMs: Math.max(0, deadlineMs - Date.now()),
});

const unreachable = async () => {
  throw new RpcError(status.UNAVAILABLE, 'cut off');
};

function words(order: Order | undefined) {
  if (!order?.found) return { ...order, status: 'not found' };
  return { ...order, status: orderStatus.fromWire(order.status), refund: refund.fromWire(order.refund) };
}
