// Steps: what is worth a span in the trace of an id. With tracing off each function returns what it was given, so that
// nothing is added to the way of a request.
import {
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import {
  activeSpan,
  alone,
  firstOf,
  isTraced,
  linkTo,
  startIn,
  together,
  traceIdOf,
  tracer,
  tracing,
} from './trace.ts';

type Work<Args extends unknown[], Result> = (...args: Args) => Promise<Result>;

/**
 * A step in the trace of each id that `about` names. The work goes on in that trace if it is about one id; a list is a
 * batch, but for a list of one in its own trace.
 */
export function asStep<Args extends unknown[], Result>(
  name: string | ((...args: Args) => string),
  about: (...args: Args) => string | string[],
  work: Work<Args, Result>,
): Work<Args, Result> {
  if (!tracing.on) return work;
  return (...args) => {
    const named = about(...args);
    const ids = [named].flat();
    const step = typeof name === 'string' ? name : name(...args);
    const isAlone = typeof named === 'string' || (ids.length === 1 && isActive(ids[0]));
    const spans = ids.filter(isTraced).map((id) => startIn(id, step));
    return isAlone ? alone(spans, () => work(...args)) : together(step, spans, () => work(...args));
  };
}

const isActive = (id = '') => activeSpan()?.traceId === traceIdOf(id);

type Steps<Port> = {
  [Name in keyof Port]?: Port[Name] extends Work<infer Args, unknown> ? (...args: Args) => string | string[] : never;
};

/** The port with some of its methods as steps, named after both. */
export function withSteps<Port extends object>(name: string, port: Port, steps: Steps<Port>): Port {
  if (!tracing.on) return port;
  const methods = Object.entries(steps).map(([method, about]) => {
    const work = port[method as keyof Port] as Work<unknown[], unknown>;
    return [method, asStep(`${name}.${method}`, about as (...args: unknown[]) => string | string[], work)];
  });
  return { ...port, ...Object.fromEntries(methods) };
}

const OUTSIDE = createContextKey('the context of a stranger');
const BEGUN = createContextKey('the id of the trace that begins here');

/** A stranger's context is linked to the trace that its request begins, never continued: it chooses no id, no sampling. */
export function fromOutside<T>(headers: object, work: () => T): T {
  const stranger = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
  return context.with(ROOT_CONTEXT.setValue(OUTSIDE, stranger), work);
}

/** The first span of the trace whose id `begin` names while the work runs; without one there is no span. */
export function asFirst<Args extends unknown[], Result>(name: string, work: Work<Args, Result>): Work<Args, Result> {
  if (!tracing.on) return work;
  return async (...args) => {
    const begun: { id?: string } = {};
    const startTime = Date.now();
    try {
      return await context.with(context.active().setValue(BEGUN, begun), () => work(...args));
    } finally {
      if (begun.id) recordFirst(begun.id, name, startTime);
    }
  };
}

function recordFirst(id: string, name: string, startTime: number): void {
  const links = linkTo(context.active().getValue(OUTSIDE) as SpanContext | undefined);
  tracing.first = firstOf(id);
  tracer.startSpan(name, { kind: SpanKind.SERVER, root: true, startTime, links }).end();
  tracing.first = undefined;
}

/** The step that has made the id known, and with which its trace begins. */
export function begin(id: string, name: string, startTime: number): void {
  const begun = context.active().getValue(BEGUN) as { id?: string } | undefined;
  if (!begun || !isTraced(id)) return;
  begun.id = id;
  startIn(id, name, startTime).end();
}
