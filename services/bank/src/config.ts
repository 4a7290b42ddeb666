// The settings of the bank, read from its environment: its port, its statement, and its behaviour at first.
import { count, port, processConfig, secret } from '@flashsale/runtime/config';
import { z } from 'zod';

const share = z.coerce.number().min(0).max(1);
const atLeastZero = z.coerce.number().min(0);

export const settings = {
  ...processConfig,
  HTTP_PORT: port,
  BANK_API_KEY: secret,
  STORE_FILE: z.string(),
  /** 0: no limit. */
  CHARGES_PER_SECOND: atLeastZero.default(0),
  LATENCY_P50_MS: atLeastZero.default(0),
  LATENCY_P99_MS: atLeastZero.default(0),
  DECLINE_RATE: share.default(0),
  ERROR_RATE: share.default(0),
  LATE_RATE: share.default(0),
  LATE_MS: atLeastZero.default(0),
  SEED: z.coerce.number().int().min(0).default(1),
  /** A charge that is queued when the bank stops has this long; then it never happened. */
  STOP_MS: count.default(8_000),
};

export type Config = z.infer<z.ZodObject<typeof settings>>;
