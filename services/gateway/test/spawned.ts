// The gateway as a process of its own, in the shop that a test has opened.
import type { Owner } from '../../../infra/testbed/ending.ts';
import { spawnService } from '../../../infra/testbed/process.ts';
import { type Env, TOKEN_ENV } from '../../../infra/testbed/services.ts';
import type { TestShop } from '../../../infra/testbed/shop.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';

/** With wires of its own to Redis and the broker, which `away` cuts before it starts. */
export async function spawnGateway(owner: Owner, shop: TestShop, own: Env = {}, away = false) {
  const wires = { redis: await layWire(shop.namespace.redisUrl), amqp: await layWire(shop.namespace.amqpUrl) };
  for (const wire of Object.values(wires)) wire.block(away);
  const spawned = spawnService(owner, 'gateway', {
    HTTP_PORT: 0,
    REDIS_URL: wires.redis.url,
    AMQP_URL: wires.amqp.url,
    ORDERS_ADDRESS: shop.proxies.orders.address,
    INVENTORY_ADDRESS: shop.proxies.gatewayInventory.address,
    ...TOKEN_ENV,
    REFRESH_MS: 200,
    ...own,
  });
  owner.after(() => Promise.all([wires.redis.close(), wires.amqp.close()]));
  const { logged } = spawned;
  return {
    ...spawned,
    ...(await spawned.listening()),
    wires,
    /** Waits for a log line that comes after what was logged so far when this was made. */
    next() {
      const from = logged.length;
      return (message: string) =>
        until(`it logs "${message}"`, () => logged.slice(from).find(({ msg }) => msg === message));
    },
  };
}
