// One JSON line per event, on standard output.
import { type Logger, pino } from 'pino';

export type Log = Logger;

export const createLog = (service: string, level: string): Log => pino({ name: service, level });
