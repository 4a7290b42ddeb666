// The issues that a schema finds, in one form for every protocol.
import { z } from 'zod';

export type Issue = { field: string; message: string };

/** `whole` names the value itself; `prefix` stands before the names of its fields. */
export const issuesOf = (error: z.ZodError, whole = 'body', prefix = ''): Issue[] =>
  error.issues.map(({ path, message }) => ({ field: path.length ? prefix + z.core.toDotPath(path) : whole, message }));

export const inOneLine = (issues: Issue[]) => issues.map(({ field, message }) => `${field}: ${message}`).join('; ');
