// The server side of gRPC: the handlers behind one port, health, reflection, and a drain that ends.
import type { Log } from '@flashsale/runtime/log';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import type { Registry } from '@prometheus-io/client';
import { HealthImplementation } from 'grpc-health-check';
import { type Streaming, toHandler, toStreamHandler, type Unary } from './handlers.ts';
import { serverCallSeconds } from './metrics.ts';

const DRAIN_MS = 5_000;

type Handlers = Record<string, Unary<never, unknown> | Streaming<never, unknown>>;

export interface RpcServer {
  port: number;
  /** Not serving, no new calls, what runs may end within its bound. */
  stop(): Promise<void>;
}

export async function startRpcServer(options: {
  host: string;
  port: number;
  service: ServiceDefinition;
  handlers: Handlers;
  protoFolder: string;
  protoFile: string;
  log: Pick<Log, 'error'>;
  registry: Registry;
}): Promise<RpcServer> {
  const server = new Server({ 'grpc.max_send_message_length': 64 * 1024 * 1024 });
  const seconds = serverCallSeconds(options.registry);
  const handlers = Object.entries(options.handlers).map(([method, handler]) => {
    const measured = { method, seconds, log: options.log };
    seconds.zero({ method, code: 'OK' });
    return options.service[method]?.responseStream
      ? [method, toStreamHandler(handler as Streaming<unknown, unknown>, measured)]
      : [method, toHandler(handler as Unary<unknown, unknown>, measured)];
  });
  server.addService(options.service, Object.fromEntries(handlers) as UntypedServiceImplementation);

  const name = nameOf(options.service);
  const health = new HealthImplementation({ '': 'SERVING', [name]: 'SERVING' });
  health.addToServer(server);
  new ReflectionService(loadSync(options.protoFile, { includeDirs: [options.protoFolder] })).addToServer(server);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${options.host}:${options.port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    async stop() {
      health.setStatus('', 'NOT_SERVING');
      health.setStatus(name, 'NOT_SERVING');
      await drain(server);
    },
  };
}

/** The full name, as health requests have it: a method's path is `/package.Service/Method`. */
const nameOf = (service: ServiceDefinition) => Object.values(service)[0]?.path.split('/')[1] ?? '';

/** grpc-js's tryShutdown waits for ever for a call that never ends. */
function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, DRAIN_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
