// A call that only asks: a neighbour that does not answer is the same to everybody, whatever gRPC calls it.
import { status, statusOf } from '@flashsale/rpc/client';
import { Unanswered } from '../domain/ports.ts';

// A neighbour whose database is away says INTERNAL: it could not answer either.
const NO_ANSWER: unknown[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNKNOWN,
];

export async function ask<Answer>(question: Promise<Answer>): Promise<Answer> {
  try {
    return await question;
  } catch (error) {
    throw NO_ANSWER.includes(statusOf(error)) ? new Unanswered(String(error), { cause: error }) : error;
  }
}
