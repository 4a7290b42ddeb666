// The settings of inventory, read from its environment.
import { ms, port, processConfig, url } from '@flashsale/runtime/config';
import type { z } from 'zod';

export const settings = {
  ...processConfig,
  GRPC_PORT: port,
  DATABASE_URL: url('postgres', 'postgresql'),
  /** A Reopen so soon after the last one is refused: it slows rebuilders down that no lease keeps apart. */
  REOPEN_DAMPING_MS: ms.default(5_000),
};

export type Config = z.infer<z.ZodObject<typeof settings>>;
