// Being called: the handlers with one error mapping, health, reflection, and a drain that ends.
import type { Log } from '@flashsale/runtime/log';
import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { Histogram, type Registry } from '@prometheus-io/client';
import { HealthImplementation } from 'grpc-health-check';

const DRAIN_MS = 5_000;

/** An answer other than OK that the handler means; anything else thrown is a bug and answered INTERNAL. */
export class RpcError extends Error {
  readonly code: status;
  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** What a handler may know of its caller. */
export interface Caller {
  /** Unix milliseconds; after it nobody reads the answer. */
  deadlineMs: number;
  gone(): boolean;
}

export type Unary<Request, Response> = (request: Request, caller: Caller) => Promise<Response>;

type Handlers = Record<string, Unary<never, unknown>>;

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
  const seconds = callSeconds(options.registry);
  const handlers = Object.entries(options.handlers).map(([method, handler]) => [
    method,
    toHandler(method, handler as Unary<unknown, unknown>, seconds, options.log),
  ]);
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

/** The full name, package and all, that health is asked for: a method's path is `/package.Service/Method`. */
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

function toHandler(
  method: string,
  handler: Unary<unknown, unknown>,
  seconds: Histogram<'method' | 'code'>,
  log: Pick<Log, 'error'>,
): handleUnaryCall<unknown, unknown> {
  return async (call, callback) => {
    const end = seconds.startTimer({ method });
    try {
      const response = await handler(call.request, callerOf(call));
      end({ code: 'OK' });
      callback(null, response);
    } catch (error) {
      const known = error instanceof RpcError ? error : undefined;
      if (!known) log.error({ method, error: error instanceof Error ? error.stack : error }, 'a call failed');
      const code = known?.code ?? status.INTERNAL;
      end({ code: status[code] });
      callback({ code, details: known?.message ?? 'internal error', metadata: new Metadata() });
    }
  };
}

function callerOf(call: ServerUnaryCall<unknown, unknown>): Caller {
  const deadline = call.getDeadline();
  return { deadlineMs: Math.floor(Number(deadline)), gone: () => call.cancelled };
}

function callSeconds(registry: Registry) {
  return new Histogram({
    name: 'rpc_server_call_seconds',
    help: 'Time from a call to its answer, by method and status.',
    labelNames: ['method', 'code'] as const,
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10],
    registers: [registry],
  });
}

export { status };
