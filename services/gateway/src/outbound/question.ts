// A neighbour that does not answer is the same to every caller, whatever gRPC calls it.
import { status, statusOf } from '@flashsale/rpc/client';
import { NoResponse } from '../domain/ports.ts';

// A neighbour whose database is away says INTERNAL: it could not answer either.
const NO_ANSWER: unknown[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNKNOWN,
];

/** A call that only asks, or that may be repeated: nothing can have happened. */
export async function ask<Answer>(question: Promise<Answer>): Promise<Answer> {
  try {
    return await question;
  } catch (error) {
    throw NO_ANSWER.includes(statusOf(error)) ? new NoResponse(String(error), { cause: error }) : error;
  }
}

/** A call that changes something: without an answer its outcome is unknown. Undefined: there is no such thing. */
export async function outcomeOf<Answer>(change: Promise<Answer>): Promise<Answer | 'unknown' | undefined> {
  try {
    return await change;
  } catch (error) {
    if (statusOf(error) === status.NOT_FOUND) return undefined;
    if (NO_ANSWER.includes(statusOf(error))) return 'unknown';
    throw error;
  }
}
