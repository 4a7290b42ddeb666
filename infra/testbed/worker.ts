// An orders worker in this process, with wires and proxies between it and everything else: a test may cut, hold or kill.
import type { Namespace } from '../native/namespace.ts';
import { proxyRpc } from './rpc-proxy.ts';
import { type Env, startService } from './services.ts';
import { layWire } from './wire.ts';

interface Surroundings {
  namespace: Namespace;
  services: Record<'inventory' | 'payment', { address: string }>;
}

/** The neighbours of a process of orders, before it is started. */
export async function surround({ namespace, services }: Surroundings) {
  const wires = {
    postgres: await layWire(namespace.databases.orders),
    amqp: await layWire(namespace.amqpUrl),
  };
  const inventory = await proxyRpc('inventory', services.inventory.address);
  const payment = await proxyRpc('payment', services.payment.address);
  return {
    wires,
    inventory,
    payment,
    env: {
      DATABASE_URL: wires.postgres.url,
      AMQP_URL: wires.amqp.url,
      INVENTORY_ADDRESS: inventory.address,
      PAYMENT_ADDRESS: payment.address,
    },
    letGo() {
      for (const proxy of [inventory, payment]) proxy.letGo();
    },
    close: () => Promise.all([inventory.stop(), payment.stop(), ...Object.values(wires).map((wire) => wire.close())]),
  };
}

export async function startWorker(surroundings: Surroundings, env: (addresses: Env) => Env) {
  const { letGo, close, ...around } = await surround(surroundings);
  const { wires, inventory, payment } = around;
  const orders = await startService.orders(env(around.env));
  return {
    wires,
    inventory,
    payment,
    address: orders.address,
    ops: orders.ops,
    /** For all others it is dead: its connections are gone, and nothing that it begins arrives anywhere. */
    die() {
      for (const wire of Object.values(wires)) wire.block(true);
      for (const proxy of [inventory, payment]) proxy.cutOff();
    },
    async stop() {
      letGo();
      await orders.stop();
      await close();
    },
  };
}
