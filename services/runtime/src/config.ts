// Reads a process's settings from the environment, once, and refuses all bad ones in one message.
import { z } from 'zod';
import { issuesOf } from './validation.ts';

export class ConfigError extends Error {}

/** Throws a ConfigError that names every bad variable and never repeats a value, which may be a secret. */
export function readConfig<Shape extends z.ZodRawShape>(shape: Shape, env: NodeJS.ProcessEnv = process.env) {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const read = z.object(shape).safeParse(given);
  if (read.success) return read.data;
  const lines = issuesOf(read.error).map(
    ({ field, message }) => `  ${field}: ${given[field] === undefined ? 'is missing' : message}`,
  );
  throw new ConfigError(`This environment cannot be started with:\n${lines.join('\n')}`);
}

export const port = z.coerce.number().int().min(0).max(65535);
export const count = z.coerce.number().int().min(1);
/** Milliseconds; a timer that is set to more fires at once. */
export const ms = z.coerce
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 1);
/** A shared secret: 256 bits in base64url are 43 characters. */
export const secret = z.string().min(32, 'needs at least 32 characters');
const HOST_PORT = '[^\\s:/,]+:\\d{1,5}';
/** One name, or the addresses of several processes that share the calls. */
export const address = z
  .string()
  .regex(new RegExp(`^(ipv4:${HOST_PORT}(,${HOST_PORT})*|${HOST_PORT})$`), 'must look like host:port');
/** The message never shows the URL, which holds a password. */
export const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1)),
      `must be a URL that starts with ${protocols.map((name) => `${name}://`).join(' or ')}`,
    );

/** The settings that every process has. Port 0 means any free one. */
export const processConfig = {
  HOST: z.string().default('127.0.0.1'),
  OPS_PORT: port.default(0),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Where traces go, as OTLP over HTTP; without it there are none. */
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http', 'https').optional(),
  /** The share of traces that is kept. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
};

export type TracingConfig = Pick<
  z.infer<z.ZodObject<typeof processConfig>>,
  'LOG_LEVEL' | 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_TRACES_SAMPLER_ARG'
>;
