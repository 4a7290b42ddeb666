// The operators' port: alive, ready, metrics.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Registry } from '@prometheus-io/client';

export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

export interface Ops {
  port: number;
  stop(): Promise<void>;
}

/** `unready` lists what is missing before this process can do its work; an empty list means ready. */
export async function startOps(options: {
  host: string;
  port: number;
  registry: Registry;
  unready: () => Promise<string[]> | string[];
}): Promise<Ops> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: string, type = 'text/plain') =>
      response.writeHead(status, { 'content-type': type }).end(body);
    try {
      if (request.url === '/livez') return answer(200, 'alive\n');
      if (request.url === '/metrics')
        return answer(200, await options.registry.metrics(), options.registry.contentType);
      if (request.url !== '/readyz') return answer(404, 'ask /livez, /readyz or /metrics\n');
      const missing = await options.unready();
      return missing.length ? answer(503, `not ready: ${missing.join(', ')}\n`) : answer(200, 'ready\n');
    } catch (error) {
      return answer(503, `not ready: ${String(error)}\n`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
