// The listening half: patient with answers, not with requests, and a stop that ends.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';

export async function startHttpServer(options: { host: string; port: number; app: RequestListener }) {
  // A charge may wait in line for minutes: only the receiving of a request is timed.
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 30_000 },
    options.app,
  );
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    /** No new connections; then, once `answered`, no connections. */
    async stop(answered: Promise<unknown>) {
      const closed = once(server, 'close');
      server.close();
      await answered;
      // An answer leaves at the end of the tick in which it was given.
      await setImmediate();
      server.closeAllConnections();
      await closed;
    },
  };
}
