// Sets tracing up for this process where OTEL_EXPORTER_OTLP_ENDPOINT names a receiver; loads nothing otherwise.
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TracingConfig } from './config.ts';
import { createLog } from './log.ts';
import type { Running } from './process.ts';
import { tracing } from './trace.ts';

/** A batch is linked to each of its members; the default keeps 128. */
const MOST_LINKS = 1_000;

/** A burst of batches ends many spans at once; beyond it they are dropped, which is logged. */
const MOST_UNSENT = 10_000;
/** Soon enough to follow a trace while it grows. */
const SEND_EVERY_MS = 1_000;
const LAST_WAIT_MS = 1_000;
const LONGEST_ERROR = 500;

/** Starts a service; once it has stopped, its last spans are sent. */
export async function startTraced<Config extends TracingConfig>(
  service: string,
  config: Config,
  start: (config: Config) => Promise<Running>,
): Promise<Running> {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint) return start(config);
  const provider = await setUp(service, endpoint, config);
  const running = await start(config);
  return {
    async stop() {
      await running.stop();
      // Spans are lost rather than the time that a process has for its stop.
      await Promise.race([provider.shutdown().catch(() => undefined), sleep(LAST_WAIT_MS, undefined, { ref: false })]);
    },
  };
}

async function setUp(service: string, endpoint: string, config: TracingConfig) {
  const [api, sdk, hooks, core, resources, exporters] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/core'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  const exporter = new exporters.OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new sdk.TracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': service }),
    // What is kept is decided by trace.ts, before a span is made.
    sampler: new sdk.AlwaysOnSampler(),
    idGenerator: {
      generateTraceId: () => tracing.first?.traceId ?? randomUUID().replaceAll('-', ''),
      generateSpanId: () => tracing.first?.spanId ?? randomBytes(8).toString('hex'),
    },
    spanLimits: { linkCountLimit: MOST_LINKS },
    spanProcessors: [
      new sdk.BatchSpanProcessor({ exporter, scheduledDelayMillis: SEND_EVERY_MS, maxQueueSize: MOST_UNSENT }),
    ],
  });
  const log = createLog(service, config.LOG_LEVEL);
  const warn = (...said: unknown[]) => log.warn({ error: said.join(' ').slice(0, LONGEST_ERROR) }, 'spans not sent');
  const quiet = () => undefined;
  // Spans that are dropped or not delivered are reported, and nothing else is.
  api.diag.setLogger({ error: warn, warn, info: quiet, debug: quiet, verbose: quiet }, api.DiagLogLevel.WARN);
  api.context.setGlobalContextManager(new hooks.AsyncLocalStorageContextManager().enable());
  api.propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  api.trace.setGlobalTracerProvider(provider);
  Object.assign(tracing, { on: true, share: config.OTEL_TRACES_SAMPLER_ARG });
  return provider;
}
