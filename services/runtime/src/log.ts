// One JSON line per event, on standard output.
import { pino } from 'pino';
import { traceIdOf } from './trace.ts';

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const createLog = (service: string, level: string): Log =>
  pino({ name: service, level, formatters: { log: withTraceId } });

function withTraceId(fields: Record<string, unknown>): Record<string, unknown> {
  const id = fields.orderId ?? fields.messageId;
  const traceId = typeof id === 'string' && traceIdOf(id);
  return traceId ? { ...fields, traceId } : fields;
}
