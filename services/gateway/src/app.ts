// The gateway, put together: the gate, the line, the neighbours, the public port, the rounds behind it, ops.
import { createLog } from '@flashsale/runtime/log';
import { startLoop } from '@flashsale/runtime/loop';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import type { Config } from './config.ts';
import { createCatalogue } from './domain/catalogue.ts';
import { findOrder } from './domain/find-order.ts';
import { createCap, placeOrder, refuseEarly } from './domain/place-order.ts';
import { createSettle } from './domain/settle.ts';
import { sweep } from './domain/sweep.ts';
import { atMostEvery, createWatch } from './domain/watch-sales.ts';
import { consumeOrderEvents } from './inbound/amqp.ts';
import { startHttp } from './inbound/http.ts';
import { ordersRouter } from './inbound/orders-http.ts';
import { salesRouter } from './inbound/sales-http.ts';
import { createAuthenticate } from './inbound/token.ts';
import { createMetrics, measured } from './metrics.ts';
import { createGate } from './outbound/gate.ts';
import { createInventory } from './outbound/inventory.ts';
import { createOrderQueue } from './outbound/order-queue.ts';
import { createOrderViews } from './outbound/order-views.ts';
import { createOrders } from './outbound/orders.ts';
import { createRedis } from './outbound/redis.ts';

const LOOK_AGAIN_MS = 100;

export async function startGateway(config: Config) {
  const log = createLog('gateway', config.LOG_LEVEL);
  const registry = createRegistry('gateway');
  const metrics = createMetrics(registry);
  const redis = createRedis(config.REDIS_URL, log);
  const gate = createGate(redis, config.SENT_DUE_MS);
  const views = createOrderViews(redis);
  const queue = createOrderQueue(config, log);
  const orders = createOrders(config, log);
  const inventory = createInventory(config);
  const catalogue = createCatalogue(inventory);
  const authenticate = createAuthenticate(config.TOKEN_SECRET);
  const settle = createSettle({ gate, views });
  const directDeadlineMs = config.DIRECT_DEADLINE_MS;

  const ports = {
    gate,
    queue,
    orders,
    views,
    catalogue,
    cap: createCap(config.DIRECT_MAX_IN_FLIGHT),
    dueInMs: { queued: config.UNSENT_DUE_MS, direct: 2 * directDeadlineMs },
    lookAgain: atMostEvery(LOOK_AGAIN_MS, () => watcher.kick()),
    warn: (orderId: string, error: unknown) => log.warn({ orderId, error: String(error) }, 'not marked as sent'),
  };

  const watch = createWatch({
    gate,
    inventory,
    queue,
    catalogue,
    directDeadlineMs,
    warn: (saleId, error) => log.warn({ saleId, error: String(error) }, 'gate not opened, again soon'),
  });
  const watcher = startLoop({ name: 'watch', everyMs: config.ROUND_MS, log, round: watch.look });
  const sweeper = startLoop({
    name: 'sweep',
    everyMs: config.ROUND_MS,
    log,
    async round() {
      const swept = catalogue.all().map((sale) => sweep(sale, { gate, queue, orders, settle, directDeadlineMs }));
      for (const due of await Promise.all(swept)) metrics.swept.inc(due);
    },
  });

  const http = await startHttp({
    host: config.HOST,
    port: config.HTTP_PORT,
    log,
    routers: [
      ordersRouter({
        authenticate,
        findSale: catalogue.find,
        refuseEarly: (sale) => refuseEarly(sale, ports),
        place: measured(metrics, (sale, command) => placeOrder(sale, command, ports)),
        findOrder: (orderId, buyerId, mintedAtMs) => findOrder(orderId, buyerId, mintedAtMs, { views, orders }),
        directDeadlineMs,
      }),
      salesRouter({ authenticate, catalogue, createSale: watch.createSale, remaining: gate.remaining }),
    ],
  });
  const events = consumeOrderEvents({ url: config.AMQP_URL, log, settle: (event) => settle(event, event.epoch) });
  const ops = await startOps({
    host: config.HOST,
    port: config.OPS_PORT,
    registry,
    unready: () => [
      ...(redis.process() ? [] : ['no redis']),
      ...(queue.available() ? [] : ['cannot publish']),
      ...(events.consuming() ? [] : ['not consuming']),
    ],
  });
  log.info({ http: http.port, ops: ops.port }, 'the gateway is ready');

  return {
    url: `http://${config.HOST}:${http.port}`,
    ops: ops.port,
    async stop() {
      await http.stop();
      await Promise.all([events.stop(), watcher.stop(), sweeper.stop()]);
      await queue.stop();
      orders.stop();
      inventory.stop();
      await redis.stop();
      await ops.stop();
    },
  };
}
