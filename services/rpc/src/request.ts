// Reading a request: what a schema refuses is answered INVALID_ARGUMENT, field by field.
import type { z } from 'zod';
import { RpcError, status } from './server.ts';

/** An error travels in an HTTP/2 header, which is bounded. */
const MOST_NAMED = 50;

export function read<Schema extends z.ZodType>(schema: Schema, request: unknown): z.infer<Schema> {
  const given = schema.safeParse(request);
  if (given.success) return given.data;
  throw invalid(given.error.issues.map(({ path, message }) => ({ field: fieldName(path), message })));
}

/** For what no schema shows. */
export function invalid(problems: { field: string; message: string }[]): RpcError {
  const named = problems.slice(0, MOST_NAMED).map(({ field, message }) => `${asInProto(field)}: ${message}`);
  const more = problems.length > MOST_NAMED ? [`and ${problems.length - MOST_NAMED} more`] : [];
  return new RpcError(status.INVALID_ARGUMENT, [...named, ...more].join('; '));
}

const fieldName = (path: PropertyKey[]) =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .slice(1);

/** The schemas speak ts-proto's camelCase, callers the .proto's snake_case. */
const asInProto = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
