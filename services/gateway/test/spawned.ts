// The gateway as a process of its own, in the shop that a test has opened.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { TestShop } from '../../../infra/testbed/shop.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export function startProcess(env: Record<string, string>) {
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  return { child, exit, stderr: text(child.stderr as Readable) };
}

/** With wires of its own to Redis and the broker, which `away` cuts before it starts. */
export async function spawnGateway(
  after: (end: () => Promise<void>) => unknown,
  shop: TestShop,
  own: Record<string, string> = {},
  away = false,
) {
  const wires = { redis: await layWire(shop.namespace.redisUrl), amqp: await layWire(shop.namespace.amqpUrl) };
  for (const wire of Object.values(wires)) wire.block(away);
  const started = startProcess({
    HTTP_PORT: '0',
    LOG_LEVEL: 'info',
    REDIS_URL: wires.redis.url,
    AMQP_URL: wires.amqp.url,
    ORDERS_ADDRESS: shop.proxies.orders.address,
    INVENTORY_ADDRESS: shop.proxies.gatewayInventory.address,
    TOKEN_SECRET: shop.secret,
    REFRESH_MS: '200',
    ...own,
  });
  after(async () => {
    started.child.kill('SIGKILL');
    await started.exit;
    await Promise.all([wires.redis.close(), wires.amqp.close()]);
  });

  const lines: Record<string, unknown>[] = [];
  createInterface(started.child.stdout as Readable).on('line', (line) => lines.push(JSON.parse(line)));
  const said = (message: string, from = 0) => lines.slice(from).find(({ msg }) => msg === message);
  const { http, ops } = await until('the process listens', () => said('the gateway is ready'));

  const readyz = async () => (await fetch(`http://127.0.0.1:${ops}/readyz`)).text();
  return {
    ...started,
    wires,
    port: Number(http),
    url: `http://127.0.0.1:${http}`,
    readyz,
    ready: (withinMs = 20_000) => until('it is ready', async () => (await readyz()) === 'ready\n', withinMs),
    /** Waits for a log line that comes after what was logged so far when this was made. */
    next() {
      const from = lines.length;
      return (message: string) => until(`it says "${message}"`, () => said(message, from));
    },
  };
}
