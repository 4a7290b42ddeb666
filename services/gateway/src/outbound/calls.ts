// A neighbour that does not respond is the same to every caller, whichever status gRPC gives it.
import { status, statusOf } from '@flashsale/rpc/client';
import { NoResponse } from '../domain/ports.ts';

// INTERNAL is the status of a neighbour whose database is away: it could not respond either.
const NO_RESPONSE: unknown[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNKNOWN,
];

/** A call that only reads, or that may be repeated: without a response nothing has happened. */
export async function query<Response>(call: Promise<Response>): Promise<Response> {
  try {
    return await call;
  } catch (error) {
    throw NO_RESPONSE.includes(statusOf(error)) ? new NoResponse(String(error), { cause: error }) : error;
  }
}

/** A call that changes something: without a response its outcome is unknown. Undefined: there is no such thing. */
export async function outcomeOf<Response>(call: Promise<Response>): Promise<Response | 'unknown' | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error) === status.NOT_FOUND) return undefined;
    if (NO_RESPONSE.includes(statusOf(error))) return 'unknown';
    throw error;
  }
}
