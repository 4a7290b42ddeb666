// The whole shop in one process for a test: the five services as they are, on real servers, in an own namespace.
// Wires and proxies lie between them, so that a test can lose, delay and repeat what crosses a process boundary.
import { createTokens } from '../buyers/buyers.ts';
import { createBuying } from './buying.ts';
import type { Owner } from './ending.ts';
import { openEvidence } from './evidence.ts';
import { openParticipants, type Settings } from './participants.ts';
import { proxyRpc } from './rpc-proxy.ts';
import { openBroker } from './servers.ts';
import { type Env, startService, TOKEN_SECRETS } from './services.ts';
import { layWire } from './wire.ts';

export type TestShop = Awaited<ReturnType<typeof openShop>>;

export async function openShop(settings: Settings = {}) {
  const { ending, env, inventoryPostgres, ...participants } = await openParticipants(settings);
  const { namespace, ready, stores } = participants;
  const { closed, stopped } = ending;

  const orders = await participants.startOrders();
  const wires = {
    redis: closed(await layWire(namespace.redisUrl)),
    gatewayAmqp: closed(await layWire(namespace.amqpUrl)),
    ordersAmqp: orders.wires.amqp,
    inventoryPostgres,
  };
  const proxies = {
    inventory: orders.inventory,
    payment: orders.payment,
    gatewayInventory: stopped(await proxyRpc('inventory', participants.services.inventory.address)),
    orders: stopped(await proxyRpc('orders', orders.address)),
  };
  const gatewayEnv = {
    REDIS_URL: wires.redis.url,
    AMQP_URL: wires.gatewayAmqp.url,
    ORDERS_ADDRESS: proxies.orders.address,
    INVENTORY_ADDRESS: proxies.gatewayInventory.address,
  };
  /** More gateways, for tests that need two. */
  async function startGateway(own: Env = {}, owner?: Owner) {
    const gateway = stopped(await startService.gateway(env('gateway', gatewayEnv, own)), owner);
    await ready(gateway.ops);
    return gateway;
  }
  const gateway = await startGateway();
  const tokenFor = createTokens(TOKEN_SECRETS);
  return {
    ...participants,
    wires,
    proxies,
    services: { ...participants.services, orders, gateway },
    start: { gateway: startGateway },
    closed,
    broker: openBroker(namespace.id),
    evidence: closed(await openEvidence(stores)),
    secrets: TOKEN_SECRETS,
    tokenFor,
    ...createBuying(gateway.url, tokenFor),
    /** Holds every charge back until the function that this returns is called. */
    holdCharges: () => proxies.payment.hold('charge', 'there').letGo,
  };
}
