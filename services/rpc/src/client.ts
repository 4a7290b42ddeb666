// Calling another service: one channel for each neighbour, a deadline on every call, retries only where they are safe.
import { tracing } from '@flashsale/runtime/trace';
import { carried } from '@flashsale/runtime/trace-context';
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelInterface,
  Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  connectivityState,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { Registry } from '@prometheus-io/client';
import { clientCallSeconds } from './metrics.ts';

interface Constructor<Made> {
  new (address: string, credentials: ChannelCredentials, options: ClientOptions): Made;
  service: ServiceDefinition;
}

/** A process that joins a name gets calls within this time, and one that leaves it gets none. */
const RENEW_MS = 10_000;

const CHANNEL: ClientOptions = {
  // After `keepalive_time_ms`, so that a connection that breaks silently is noticed within 15 s.
  'grpc.keepalive_timeout_ms': 5_000,
  // A restarted neighbour is found again within half a second, not within the default's two minutes.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.enable_http_proxy': 0, // Neighbours are called directly, whatever proxy the environment names.
  // Not the default's 30 s: a neighbour that comes back may have another address.
  'grpc.dns_min_time_between_resolutions_ms': 1_000,
  // Addresses only: the service config is set below, and needs no query to a name server.
  'grpc.service_config_disable_resolution': 1,
  // Each channel has its own connections, so that settings do not mix and a new one finds new addresses.
  'grpc.use_local_subchannel_pool': 1,
};

// Only UNAVAILABLE, the status of a neighbour that could not be reached, and only calls that may be repeated.
const RETRY_UNAVAILABLE = JSON.stringify({
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: '0.05s',
        maxBackoff: '0.5s',
        backoffMultiplier: 3,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
});
const NO_RETRY = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });

/**
 * `address` is host:port or another gRPC target, like `ipv4:127.0.0.1:5001,127.0.0.1:5002`.
 * `retries: 'never'` also turns off grpc-js's transparent retries: each call is at most one attempt.
 */
export function connectTo<Made>(
  Service: Constructor<Made>,
  address: string,
  { retries, registry, renewMs = RENEW_MS }: { retries: 'idempotent' | 'never'; registry: Registry; renewMs?: number },
): Made {
  const safe = retries === 'idempotent';
  const insecure = credentials.createInsecure();
  const options = {
    ...CHANNEL,
    'grpc.keepalive_time_ms': renewMs,
    'grpc.client_idle_timeout_ms': 2 * renewMs,
    'grpc.enable_retries': safe ? 1 : 0,
    'grpc.service_config': safe ? RETRY_UNAVAILABLE : NO_RETRY,
  };
  const channelOverride = renewed(() => new Client(address, insecure, options), renewMs);
  const interceptors = [measuring(Service.service, registry)];
  return new Service(address, insecure, { channelOverride, interceptors });
}

/** The statuses whose series exist from the start: those of a neighbour that is well, slow or away. */
const USUAL_CODES = ['OK', 'DEADLINE_EXCEEDED', 'UNAVAILABLE'];

/** Measures each call once, at its end: a reader that stops early makes it CANCELLED. */
function measuring(service: ServiceDefinition, registry: Registry): Interceptor {
  const seconds = clientCallSeconds(registry);
  const labels = new Map(
    Object.entries(service).map(([method, { path }]) => [path, { callee: calleeOf(path), method }]),
  );
  for (const each of labels.values()) for (const code of USUAL_CODES) seconds.zero({ ...each, code });
  return (options, nextCall) => {
    const end = seconds.startTimer(labels.get(options.method_definition.path));
    return new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveStatus(received, pass) {
            end({ code: status[received.code] });
            pass(received);
          },
        }),
    });
  };
}

/** The service's own name: a path is `/package.Service/Method`. */
const calleeOf = (path: string) => path.split('/')[1]?.split('.').at(-1) ?? '';

/**
 * A channel whose calls go to a client that is replaced every `everyMs`, by one that is connected already: each resolves
 * the name again, so that calls also reach a process that came later. grpc-js itself resolves again only when a
 * connection is lost: a second process beside a healthy one would get no call. The replaced client is not closed, which
 * would break a call that outlasts the keepalive time: without calls it goes idle.
 */
function renewed(open: () => Client, everyMs: number): ChannelInterface {
  let current = open();
  let closed = false;
  const channel = () => current.getChannel();

  function renew() {
    // While it connects, it also resolves the name.
    if (channel().getConnectivityState(true) !== connectivityState.READY) return;
    const next = open();
    next.waitForReady(Date.now() + everyMs, (error) => {
      if (error || closed) next.close();
      else current = next;
    });
  }

  const timer = setInterval(renew, everyMs).unref();
  return {
    createCall: (...call) => channel().createCall(...call),
    getConnectivityState: (connect) => channel().getConnectivityState(connect),
    watchConnectivityState: (...watch) => channel().watchConnectivityState(...watch),
    getTarget: () => channel().getTarget(),
    getChannelzRef: () => channel().getChannelzRef(),
    close() {
      closed = true;
      clearInterval(timer);
      current.close();
    },
  };
}

/** False when a call would only wait for a connection, or fail for want of one. A check also starts to connect. */
export function reachable(client: Client): boolean {
  // Idle: unused for long, and its next call connects.
  return [connectivityState.READY, connectivityState.IDLE].includes(client.getChannel().getConnectivityState(true));
}

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Rejects with grpc-js's ServiceError; the caller decides which outcomes it leaves unknown. */
export function call<Request, Response>(
  client: object,
  method: UnaryMethod<Request, Response>,
  request: Request,
  options: { deadlineMs: number },
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + options.deadlineMs;
    method.call(client, request, metadataNow(), { deadline }, (error, response) =>
      error ? reject(error) : resolve(response),
    );
  });
}

type StreamMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
) => ClientReadableStream<Response>;

/**
 * A server-streaming call, made at the first read. A slow reader slows the server down, and one that stops early cancels
 * the call, as does a first response that takes longer than `firstWithinMs`. Throws grpc-js's ServiceError, after what
 * arrived before it.
 */
export async function* callStream<Request, Response>(
  client: object,
  method: StreamMethod<Request, Response>,
  request: Request,
  options: { deadlineMs: number; firstWithinMs?: number },
): AsyncGenerator<Response, void> {
  const stream = method.call(client, request, metadataNow(), { deadline: Date.now() + options.deadlineMs });
  const timer = setTimeout(() => stream.cancel(), options.firstWithinMs ?? options.deadlineMs);
  try {
    for await (const response of stream) {
      clearTimeout(timer);
      yield response as Response;
    }
  } finally {
    clearTimeout(timer);
    // An error of a stream that is not read any more would end the process.
    stream.on('error', () => undefined);
    stream.cancel();
  }
}

/** A trailer that the server itself added to its response; neither a proxy nor the library can have added it. */
export const trailerOf = (error: unknown, name: string): string | undefined =>
  (error as Partial<ServiceError>)?.metadata?.get(name)[0]?.toString();

/** The trace of the caller goes with its call. */
function metadataNow(): Metadata {
  const metadata = new Metadata();
  if (tracing.on) for (const [name, value] of Object.entries(carried())) metadata.set(name, value);
  return metadata;
}

export const statusOf = (error: unknown): status | undefined => (error as Partial<ServiceError>)?.code;
export { status };
