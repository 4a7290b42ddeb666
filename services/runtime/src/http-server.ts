// One HTTP server for every port, and a stop that drains it.
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Node's default of 511 is too short a queue for many clients that connect at once. */
const BACKLOG = 4_096;

export interface HttpServer {
  port: number;
  /** Takes no new connection, lets the responses in flight out, and cuts the rest after `drainMs`. */
  stop(): Promise<void>;
}

/** `reusePort`: other processes may listen on the same port, and the kernel spreads new connections over them. */
interface Listen {
  host: string;
  port: number;
  reusePort?: boolean;
}

export async function startHttpServer(
  options: ServerOptions & Listen & { app: RequestListener; drainMs: number },
): Promise<HttpServer> {
  const { host, port, reusePort, app, drainMs, ...timeouts } = options;
  const server = createServer(timeouts, app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host, port, reusePort, backlog: BACKLOG }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      // A kept-open connection is idle again after its response, and would hold the server until its client goes.
      const idle = setInterval(() => server.closeIdleConnections(), 100);
      const deadline = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearInterval(idle);
      clearTimeout(deadline);
    },
  };
}
