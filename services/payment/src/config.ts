// The settings of payment, read from its environment.
import { count, ms, port, processConfig, secret, url } from '@flashsale/runtime/config';
import type { z } from 'zod';

export const settings = {
  ...processConfig,
  GRPC_PORT: port,
  DATABASE_URL: url('postgres', 'postgresql'),
  BANK_URL: url('http', 'https'),
  BANK_API_KEY: secret,
  /** Charges that this process has at the bank at once; more wait for a connection here. */
  BANK_CONCURRENCY: count.default(250),
  /** For each reversal, and for the charges of a call without a deadline. */
  BANK_TIMEOUT_MS: ms.default(5_000),
};

export type Config = z.infer<z.ZodObject<typeof settings>>;
