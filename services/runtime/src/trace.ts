// Traces: one for each id that is worth following from process to process, and one for each batch of such work.
// A UUIDv7 without its dashes is a W3C trace id: a process that has the id adds to its trace by the id alone, after a
// queue, in a batch, out of an outbox or after a crash.
import {
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';

export const tracer = trace.getTracer('flashsale');

/** Set by tracing.ts before anything is constructed. `first`: the ids of the span that begins a trace. */
export const tracing = { on: false, share: 0, first: undefined as { traceId: string; spanId: string } | undefined };

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export const traceIdOf = (id: string): string | undefined => (UUID_V7.test(id) ? id.replaceAll('-', '') : undefined);

/** The same in every process, without a flag that travels: the last 28 bits of an id are random. */
export const isTraced = (id: string): boolean =>
  tracing.on && UUID_V7.test(id) && Number.parseInt(id.slice(-7), 16) < tracing.share * 2 ** 28;

/** The ids of the first span of that trace, whether it was made yet or not. */
export const firstOf = (id: string) => ({ traceId: id.replaceAll('-', ''), spanId: id.slice(19).replace('-', '') });

/** A batch has the trace id of a UUIDv4 (tracing.ts): the trace of an id gets no step of another. */
const isOfBatch = (span: SpanContext | undefined) => span !== undefined && span.traceId[12] !== '7';

export const activeSpan = () => trace.getSpanContext(context.active());
export const linkTo = (span: SpanContext | undefined) => (span ? [{ context: span }] : []);

/** In the trace of the id: under the active span, if that is of the same trace, else linked to it. */
export function startIn(id: string, name: string, startTime?: number): Span {
  const [from, first] = [activeSpan(), firstOf(id)];
  const isOwn = from?.traceId === first.traceId;
  const remote = { ...first, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  const parent = isOwn ? context.active() : trace.setSpanContext(ROOT_CONTEXT, remote);
  return tracer.startSpan(name, { ...(startTime && { startTime }), links: isOwn ? [] : linkTo(from) }, parent);
}

/** The work of these spans, which end with it. */
export async function within<T>(spans: Span[], around: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(around, work);
  } catch (error) {
    for (const span of spans) span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
    throw error;
  } finally {
    for (const span of spans) span.end();
  }
}

const withoutSpan = () => trace.deleteSpan(context.active());

/** Work for one id: in its trace, or in none. */
export const alone = <T>([span]: Span[], work: () => Promise<T>): Promise<T> =>
  within(span ? [span] : [], span ? trace.setSpan(context.active(), span) : withoutSpan(), work);

/** Work for many: their spans end with it, and it is a span of its own, linked to theirs. */
export const together = <T>(name: string, spans: Span[], work: () => Promise<T>): Promise<T> =>
  within(spans, context.active(), () =>
    inBatch(
      name,
      spans.map((span) => span.spanContext()),
      work,
    ),
  );

/** In the trace of the batch that the work is part of, or in a new one. */
export function inBatch<T>(name: string, about: (SpanContext | undefined)[], work: () => Promise<T>): Promise<T> {
  const links = about.flatMap(linkTo);
  const outer = isOfBatch(activeSpan()) ? context.active() : withoutSpan();
  if (links.length === 0) return context.with(outer, work);
  const span = tracer.startSpan(name, { links, attributes: { 'batch.size': about.length } }, outer);
  return within([span], trace.setSpan(outer, span), work);
}

/** For work that outlives the request that has started it. */
export const outsideTraces = <Args extends unknown[], Result>(work: (...args: Args) => Result) =>
  context.bind(ROOT_CONTEXT, work);
