// The composition root of the gateway: connect, construct, listen, stop.
import { createLog } from '@flashsale/runtime/log';
import { createRegistry, startOps } from '@flashsale/runtime/ops';
import { startBackgroundJobs } from './background-jobs.ts';
import type { Config } from './config.ts';
import { createGauges } from './gauges.ts';
import { startConsumers } from './inbound/amqp.ts';
import { startHttp } from './inbound/http.ts';
import { createMetrics } from './metrics.ts';
import { createGate } from './outbound/gate.ts';
import { createInventory } from './outbound/inventory.ts';
import { createOrderQueue } from './outbound/order-queue.ts';
import { createOrderViews } from './outbound/order-views.ts';
import { createOrders } from './outbound/orders.ts';
import { createRedis } from './outbound/redis.ts';
import { traced } from './steps.ts';
import { createUseCases } from './use-cases.ts';

export async function startGateway(config: Config) {
  const log = createLog('gateway', config.LOG_LEVEL);
  const registry = createRegistry('gateway');
  const metrics = createMetrics(registry);

  const redis = createRedis(config.REDIS_URL, log);
  const { clock } = redis;
  const [gate, views] = [createGate(redis, config.SENT_DUE_MS), createOrderViews(redis)];
  const queue = createOrderQueue(config, log, registry);
  const orders = createOrders(config, clock, log, registry);
  const inventory = createInventory(config, log, registry);
  const ports = traced({ gate, clock, views, queue, orders, inventory });
  const useCases = createUseCases(config, ports, log, metrics);

  const http = await startHttp(config, { ...useCases, gate }, log, metrics.problems);
  const consumers = startConsumers(config, useCases, log, registry);
  const jobs = startBackgroundJobs(config, useCases, log, registry);
  createGauges(registry, { ...useCases, directLimit: config.DIRECT_MAX_IN_FLIGHT, listeners: http.listeners });
  const unready = async () => [
    ...(await redis.problems()),
    ...(queue.available() ? [] : ['cannot publish']),
    ...consumers.unready(),
  ];
  const ops = await startOps({ host: config.HOST, port: config.OPS_PORT, registry, unready });
  log.info({ http: http.port, ops: ops.port }, 'the gateway is ready');

  return {
    url: `http://${config.HOST}:${http.port}`,
    ops: ops.port,
    async stop() {
      // Independent parts stop together: a silent neighbour costs each of them its timeout.
      await Promise.all([http.stop().then(queue.stop), consumers.stop(), jobs.stop()]);
      for (const each of [orders, inventory]) each.stop();
      await redis.stop();
      await ops.stop();
    },
  };
}
