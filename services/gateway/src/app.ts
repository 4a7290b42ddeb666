// The gateway, put together: its neighbours, its use cases, the public port, background jobs, the ops port.
import { randomUUID } from 'node:crypto';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { startBackgroundJobs } from './background-jobs.ts';
import type { Config } from './config.ts';
import { createLimitPerKey } from './domain/limits.ts';
import { consumeOrderUpdates, consumeResults } from './inbound/amqp.ts';
import { createRateLimit, startHttp } from './inbound/http.ts';
import { createAuthenticate } from './inbound/token.ts';
import { createMetrics } from './metrics.ts';
import { createGate } from './outbound/gate.ts';
import { createInventory } from './outbound/inventory.ts';
import { createOrderQueue } from './outbound/order-queue.ts';
import { createOrderViews } from './outbound/order-views.ts';
import { createOrders } from './outbound/orders.ts';
import { createRedis } from './outbound/redis.ts';
import { createUseCases } from './use-cases.ts';

export async function startGateway(config: Config) {
  const { HOST: host, AMQP_URL: url } = config;
  const log = createLog('gateway', config.LOG_LEVEL);
  const registry = createRegistry('gateway');
  const metrics = createMetrics(registry);

  const redis = createRedis(config.REDIS_URL, log);
  const { clock } = redis;
  const gate = createGate(redis, config.SENT_DUE_MS);
  const queue = createOrderQueue(config, log);
  const orders = createOrders(config, clock, log);
  const inventory = createInventory(config, log);
  const ports = { gate, clock, views: createOrderViews(redis), queue, orders, inventory };
  const useCases = createUseCases(config, ports, log, metrics);

  const stopping = new AbortController();
  const httpPorts = {
    ...useCases,
    ...{ gate, stopping: stopping.signal, heartbeatMs: config.HEARTBEAT_MS },
    authenticate: createAuthenticate(config.TOKEN_SECRET),
    isRateLimited: createRateLimit(config.CLICKS_PER_BUYER),
    listeners: createLimitPerKey(config.MAX_LISTENERS, config.MAX_LISTENERS_OF_A_BUYER),
  };
  const listen = { host, port: config.HTTP_PORT, reusePort: config.HTTP_REUSE_PORT };
  const http = await startHttp({ ...listen, log, ports: httpPorts });
  const results = consumeResults({ url, log, apply: useCases.applyResult });
  const updates = consumeOrderUpdates({ url, log, instance: randomUUID(), push: useCases.receiveUpdate });
  const jobs = startBackgroundJobs(config, useCases, log);
  const unready = async () => [
    ...(await redis.problems()),
    ...(queue.available() ? [] : ['cannot publish']),
    ...(results.consuming() ? [] : ['not consuming']),
  ];
  const ops = await startOps({ host, port: config.OPS_PORT, registry, unready });
  log.info({ http: http.port, ops: ops.port }, 'the gateway is ready');

  return {
    url: `http://${host}:${http.port}`,
    ops: ops.port,
    async stop() {
      stopping.abort();
      // Independent parts stop together: a silent neighbour costs each of them its timeout.
      const responded = http.stop().then(queue.stop);
      await Promise.all([responded, ...[results, updates, ...jobs].map((each) => each.stop())]);
      orders.stop();
      inventory.stop();
      await redis.stop();
      await ops.stop();
    },
  };
}
