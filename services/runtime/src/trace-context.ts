// W3C trace context between processes: in the headers of messages, the metadata of calls and the headers of HTTP.
import { type Context, context, propagation, ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { alone, together, tracer, within } from './trace.ts';

/** The active span, where there is one. */
export function carried(): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return headers;
}

/** Undefined also for the context of a span that is not kept. */
function carriedBy(headers: object | undefined): Context | undefined {
  const parent = propagation.extract(ROOT_CONTEXT, headers ?? {});
  const from = trace.getSpanContext(parent);
  return from && from.traceFlags & TraceFlags.SAMPLED ? parent : undefined;
}

/** Work for a neighbour, in the trace of its call. */
export function inCall<T>(name: string, headers: object, work: () => Promise<T>): Promise<T> {
  const parent = carriedBy(headers);
  if (!parent) return context.with(ROOT_CONTEXT, work);
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, parent);
  return within([span], trace.setSpan(parent, span), work);
}

interface Delivered {
  properties: { headers?: Record<string, unknown> | undefined };
}

/** Unix milliseconds at which a message was sent to the queue that has delivered it. */
export const FORWARDED_MS = 'x-forwarded-ms';

/** For each message how long it waited and how long it was worked on, in its own trace. */
export function inDelivery<T>(
  name: string,
  messages: Delivered[],
  isBatch: boolean,
  work: () => Promise<T>,
): Promise<T> {
  const spans = messages.flatMap(({ properties: { headers } }) => {
    const parent = carriedBy(headers);
    if (!parent) return [];
    const startTime = Number(headers?.[FORWARDED_MS] ?? headers?.['x-sent-ms']);
    if (startTime) tracer.startSpan(`waiting for ${name}`, { startTime }, parent).end();
    return [tracer.startSpan(name, { kind: SpanKind.CONSUMER }, parent)];
  });
  return isBatch ? together(name, spans, work) : alone(spans, work);
}
