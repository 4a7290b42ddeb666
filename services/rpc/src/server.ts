// The server side of gRPC: the handlers with one error mapping, health, reflection, and a drain that ends.
import { once } from 'node:events';
import type { Log } from '@flashsale/runtime/log';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { Histogram, type Registry } from '@prometheus-io/client';
import { HealthImplementation } from 'grpc-health-check';

const DRAIN_MS = 5_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A status other than OK that the handler intends; anything else thrown is a bug, and INTERNAL. */
export class RpcError extends Error {
  readonly code: status;
  readonly trailers: Record<string, string>;
  constructor(code: status, message: string, trailers: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.trailers = trailers;
  }
}

/** The caller of a handler. */
export interface Caller {
  /** Unix milliseconds; a later response is not read. */
  deadlineMs: number;
  cancelled(): boolean;
  /** Aborted when the caller has cancelled or its deadline has passed, and once the call has ended. */
  readonly signal: AbortSignal;
}

export type Unary<Request, Response> = (request: Request, caller: Caller) => Promise<Response>;
/**
 * A server-streaming call: each response is sent when it is yielded, and waits for a slow reader. When the caller
 * has cancelled, the generator is returned at its `yield`; waits elsewhere must end by the caller's `signal`.
 */
export type Streaming<Request, Response> = (request: Request, caller: Caller) => AsyncIterable<Response>;

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
  const seconds = callSeconds(options.registry);
  const handlers = Object.entries(options.handlers).map(([method, handler]) => {
    const measured = { method, seconds, log: options.log };
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

interface Measured {
  method: string;
  seconds: Histogram<'method' | 'code'>;
  log: Pick<Log, 'error'>;
}

function toHandler(handler: Unary<unknown, unknown>, measured: Measured): handleUnaryCall<unknown, unknown> {
  return async (call, callback) => {
    const end = measured.seconds.startTimer({ method: measured.method });
    try {
      const response = await handler(call.request, callerOf(call));
      end({ code: 'OK' });
      callback(null, response);
    } catch (error) {
      const failure = toStatus(error, measured);
      end({ code: status[failure.code] });
      callback(failure);
    }
  };
}

function toStreamHandler(
  handler: Streaming<unknown, unknown>,
  measured: Measured,
): handleServerStreamingCall<unknown, unknown> {
  return async (call) => {
    const end = measured.seconds.startTimer({ method: measured.method });
    const caller = callerOf(call);
    try {
      await sendAll(handler(call.request, caller), call, caller.signal);
      end({ code: 'OK' });
      call.end();
    } catch (error) {
      // The caller reads no more responses, and grpc-js itself reports a deadline that has passed.
      if (caller.signal.aborted) return void end({ code: 'CANCELLED' });
      const failure = toStatus(error, measured);
      end({ code: status[failure.code] });
      call.emit('error', failure);
    }
  };
}

async function sendAll(
  responses: AsyncIterable<unknown>,
  call: ServerWritableStream<unknown, unknown>,
  signal: AbortSignal,
): Promise<void> {
  for await (const response of responses) {
    signal.throwIfAborted();
    if (!call.write(response)) await once(call, 'drain', { signal });
  }
  signal.throwIfAborted();
}

/** The one error mapping: an RpcError is passed on, anything else is a bug. */
function toStatus(error: unknown, { method, log }: Measured) {
  const known = error instanceof RpcError ? error : undefined;
  if (!known) log.error({ method, error: error instanceof Error ? error.stack : error }, 'a call failed');
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(known?.trailers ?? {})) metadata.set(name, value);
  return { code: known?.code ?? status.INTERNAL, details: known?.message ?? 'internal error', metadata };
}

type Call = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>;

function callerOf(call: Call): Caller {
  const deadlineMs = Math.floor(Number(call.getDeadline()));
  let signal: AbortSignal | undefined;
  return {
    deadlineMs,
    cancelled: () => call.cancelled,
    // Made at its first use: most calls are short, and none of those needs it.
    get signal() {
      signal ??= signalOf(call, deadlineMs);
      return signal;
    },
  };
}

/** A timer of its own for the deadline: grpc-js ends a stream only after a slow reader has read what was sent. */
function signalOf(call: Call, deadlineMs: number): AbortSignal {
  if (call.cancelled) return AbortSignal.abort();
  const ended = new AbortController();
  const remainingMs = Math.max(deadlineMs - Date.now(), 0);
  const timer = remainingMs <= LONGEST_TIMER_MS ? setTimeout(() => ended.abort(), remainingMs).unref() : undefined;
  call.once('cancelled', () => {
    clearTimeout(timer);
    ended.abort();
  });
  return ended.signal;
}

function callSeconds(registry: Registry) {
  return new Histogram({
    name: 'rpc_server_call_seconds',
    help: 'Time from a call to its response, by method and status.',
    labelNames: ['method', 'code'] as const,
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10],
    registers: [registry],
  });
}

export { status };
