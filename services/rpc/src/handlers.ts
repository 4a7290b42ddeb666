// One call at its server: its request is read, its handler runs, its responses or its one error are sent.
import { once } from 'node:events';
import type { Log } from '@flashsale/runtime/log';
import { tracing } from '@flashsale/runtime/trace';
import { inCall } from '@flashsale/runtime/trace-context';
import { type Issue, inOneLine, issuesOf } from '@flashsale/runtime/validation';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import type { Histogram } from '@prometheus-io/client';
import type { z } from 'zod';

const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** An error travels in an HTTP/2 header, which is bounded. */
const MOST_NAMED = 50;

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

/** A schema's refusal is INVALID_ARGUMENT, field by field. */
export function read<Schema extends z.ZodType>(schema: Schema, request: unknown): z.infer<Schema> {
  const given = schema.safeParse(request);
  if (given.success) return given.data;
  throw invalid(issuesOf(given.error));
}

/** For what no schema shows. */
export function invalid(issues: Issue[]): RpcError {
  const named = issues.slice(0, MOST_NAMED).map(({ field, message }) => ({ field: asInProto(field), message }));
  const more = issues.length > MOST_NAMED ? `; and ${issues.length - MOST_NAMED} more` : '';
  return new RpcError(status.INVALID_ARGUMENT, inOneLine(named) + more);
}

/** The schemas have the camelCase of ts-proto, callers the snake_case of the .proto. */
const asInProto = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

interface Measured {
  method: string;
  seconds: Histogram<'method' | 'code'>;
  log: Pick<Log, 'error'>;
}

export function toHandler(handler: Unary<unknown, unknown>, measured: Measured): handleUnaryCall<unknown, unknown> {
  return async (call, callback) => {
    const end = measured.seconds.startTimer({ method: measured.method });
    try {
      const response = await inTrace(call, measured, () => handler(call.request, callerOf(call)));
      end({ code: 'OK' });
      callback(null, response);
    } catch (error) {
      const failure = toStatus(error, measured);
      end({ code: status[failure.code] });
      callback(failure);
    }
  };
}

export function toStreamHandler(
  handler: Streaming<unknown, unknown>,
  measured: Measured,
): handleServerStreamingCall<unknown, unknown> {
  return async (call) => {
    const end = measured.seconds.startTimer({ method: measured.method });
    const caller = callerOf(call);
    try {
      await inTrace(call, measured, () => sendAll(handler(call.request, caller), call, caller.signal));
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

/** The trace of the caller goes on. */
const inTrace = <T>({ metadata }: Call, { method }: Measured, work: () => Promise<T>): Promise<T> =>
  tracing.on ? inCall(`rpc ${method}`, metadata.getMap(), work) : work();

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

export { status };
