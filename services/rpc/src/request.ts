// Reading a request: a schema's refusal is INVALID_ARGUMENT, field by field.
import { type Issue, inOneLine, issuesOf } from '@flashsale/runtime/validation';
import type { z } from 'zod';
import { RpcError, status } from './server.ts';

/** An error travels in an HTTP/2 header, which is bounded. */
const MOST_NAMED = 50;

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

/** The schemas speak ts-proto's camelCase, callers the .proto's snake_case. */
const asInProto = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
