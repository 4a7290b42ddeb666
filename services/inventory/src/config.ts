// What inventory is told by its environment.
import { port, processConfig, url } from '@flashsale/runtime/config';
import type { z } from 'zod';

export const settings = {
  ...processConfig,
  GRPC_PORT: port,
  DATABASE_URL: url('postgres', 'postgresql'),
};

export type Config = z.infer<z.ZodObject<typeof settings>>;
