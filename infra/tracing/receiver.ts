// A receiver of OTLP over HTTP in JSON, for tests and tools: keeps the spans that processes send.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

/** Beyond it the oldest are dropped. */
const MOST_SPANS = 100_000;

const nanoseconds = z.coerce.number().transform((value) => value / 1e6);
const WireSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: nanoseconds,
  endTimeUnixNano: nanoseconds,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  status: z.object({ code: z.number().optional() }).default({}),
});
const Attribute = z.object({ key: z.string(), value: z.object({ stringValue: z.string().optional() }) });
const Request = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(Attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(WireSpan) })),
    }),
  ),
});

export type Span = ReturnType<typeof spansOf>[number];

function spansOf(request: unknown) {
  return Request.parse(request).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ startTimeUnixNano: startMs, endTimeUnixNano: endMs, status, ...span }) => {
        return { service, ...span, startMs, endMs, failed: status.code === 2 };
      }),
    );
  });
}

export async function startReceiver() {
  let spans: Span[] = [];
  const server = createServer(async (request, response) => {
    const respond = (status: number) => response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    try {
      spans = [...spans, ...spansOf(await json(request))].slice(-MOST_SPANS);
      respond(200);
    } catch {
      respond(400);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    traceOf: (traceId: string) => spans.filter((span) => span.traceId === traceId),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
