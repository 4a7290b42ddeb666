// One JSON line per event, on standard output.
import { pino } from 'pino';

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const createLog = (service: string, level: string): Log => pino({ name: service, level });
