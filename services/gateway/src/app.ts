// The gateway, put together: the gate, the line, the neighbours; its stories; the public port, the rounds, ops.
import { randomUUID } from 'node:crypto';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import type { Config } from './config.ts';
import { createCapEach } from './domain/cap.ts';
import { createCatalogue } from './domain/catalogue.ts';
import { consumeOrderEvents, hearOrderNews } from './inbound/amqp.ts';
import { eventsRouter } from './inbound/events-http.ts';
import { startHttp } from './inbound/http.ts';
import { openapiRouter } from './inbound/openapi.ts';
import { ordersRouter } from './inbound/orders-http.ts';
import { salesRouter } from './inbound/sales-http.ts';
import { createAuthenticate } from './inbound/token.ts';
import { createTooOften } from './inbound/too-often.ts';
import { createMetrics, measured } from './metrics.ts';
import { createGate } from './outbound/gate.ts';
import { createInventory } from './outbound/inventory.ts';
import { createOrderQueue } from './outbound/order-queue.ts';
import { createOrderViews } from './outbound/order-views.ts';
import { createOrders } from './outbound/orders.ts';
import { createRedis } from './outbound/redis.ts';
import { startRounds } from './rounds.ts';
import { createStories } from './stories.ts';

export async function startGateway(config: Config) {
  const { HOST: host, AMQP_URL: url } = config;
  const log = createLog('gateway', config.LOG_LEVEL);
  const registry = createRegistry('gateway');
  const metrics = createMetrics(registry);

  const redis = createRedis(config.REDIS_URL, log);
  const gate = createGate(redis, config.SENT_DUE_MS);
  const queue = createOrderQueue(config, log);
  const orders = createOrders(config, log);
  const inventory = createInventory(config, log);
  const catalogue = createCatalogue(inventory);
  const world = { gate, views: createOrderViews(redis), queue, orders, inventory, catalogue };
  const stories = createStories(config, world, log, () => rounds.lookAgain());

  const leaving = new AbortController();
  const listeners = createCapEach(config.MAX_LISTENERS, config.MAX_LISTENERS_OF_A_BUYER);
  const listening = { follow: stories.follow, listeners, leaving: leaving.signal };
  const tooOften = createTooOften(config.CLICKS_PER_BUYER);
  const place = measured(metrics, stories.place);
  const shared = { ...stories, authenticate: createAuthenticate(config.TOKEN_SECRET), catalogue, listening };
  const http = await startHttp({
    host,
    port: config.HTTP_PORT,
    log,
    routers: [
      ordersRouter({ ...shared, tooOften, place, gate, directDeadlineMs: config.DIRECT_DEADLINE_MS }),
      eventsRouter({ ...shared, heartbeatMs: config.HEARTBEAT_MS }),
      salesRouter({ ...shared, remaining: gate.remaining }),
      openapiRouter(),
    ],
  });
  const rounds = startRounds(config, stories, log, metrics);
  const results = consumeOrderEvents({ url, log, settle: stories.settle });
  const news = hearOrderNews({ url, log, instance: randomUUID(), hear: stories.hear });
  const ops = await startOps({
    host,
    port: config.OPS_PORT,
    registry,
    unready: async () => [
      ...(await redis.problems()),
      ...(queue.available() ? [] : ['cannot publish']),
      ...(results.consuming() ? [] : ['not consuming']),
    ],
  });
  log.info({ http: http.port, ops: ops.port }, 'the gateway is ready');

  return {
    url: `http://${host}:${http.port}`,
    ops: ops.port,
    async stop() {
      leaving.abort();
      // What does not need each other stops together: a silent neighbour costs each of them its patience.
      const answered = http.stop().then(queue.stop);
      await Promise.all([answered, results.stop(), news.stop(), rounds.stop()]);
      orders.stop();
      inventory.stop();
      await redis.stop();
      await ops.stop();
    },
  };
}
