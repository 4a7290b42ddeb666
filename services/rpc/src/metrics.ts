// The metrics of calls, at their server and at their caller.
import { perRegistry } from '@flashsale/runtime/metrics';
import { Histogram } from '@prometheus-io/client';

const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10];

export const serverCallSeconds = perRegistry(
  (registry) =>
    new Histogram({
      name: 'rpc_server_call_seconds',
      help: 'Time from a call to its response, by method and status.',
      labelNames: ['method', 'code'] as const,
      buckets: BUCKETS,
      registers: [registry],
    }),
);

export const clientCallSeconds = perRegistry(
  (registry) =>
    new Histogram({
      name: 'rpc_client_call_seconds',
      help: 'Time from a call to its end at its caller, retries included, by called service, method and status.',
      labelNames: ['callee', 'method', 'code'] as const,
      buckets: BUCKETS,
      registers: [registry],
    }),
);
