// The operators' port: alive, ready, metrics.
import type { RequestListener } from 'node:http';
import { collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client';
import packaged from '../package.json' with { type: 'json' };
import { type HttpServer, startHttpServer } from './http-server.ts';

export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const help = 'The version of this build, which is that of all services; always 1.';
  new Gauge({ name: 'build_info', help, labelNames: ['version'], registers: [registry] }).set(
    { version: packaged.version },
    1,
  );
  return registry;
}

/** `unready` lists what is missing before this process can do its work; an empty list means ready. */
export function startOps(options: {
  host: string;
  port: number;
  registry: Registry;
  unready: () => Promise<string[]> | string[];
}): Promise<HttpServer> {
  const { host, port, registry, unready } = options;
  const app: RequestListener = async (request, response) => {
    const respond = (status: number, body: string, type = 'text/plain') =>
      response.writeHead(status, { 'content-type': type }).end(body);
    try {
      if (request.url === '/livez') return respond(200, 'alive\n');
      if (request.url === '/metrics') return respond(200, await registry.metrics(), registry.contentType);
      if (request.url !== '/readyz') return respond(404, 'ask /livez, /readyz or /metrics\n');
      const missing = await unready();
      return missing.length ? respond(503, `not ready: ${missing.join(', ')}\n`) : respond(200, 'ready\n');
    } catch (error) {
      return respond(503, `not ready: ${String(error)}\n`);
    }
  };
  // Not drained: it stops last, and a readiness check that hangs must not delay the exit.
  return startHttpServer({ host, port, app, drainMs: 0 });
}
