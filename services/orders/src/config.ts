// What orders is told by its environment.
import { address, count, ms, port, processConfig, url } from '@flashsale/runtime/config';
import type { z } from 'zod';

export const settings = {
  ...processConfig,
  GRPC_PORT: port,
  DATABASE_URL: url('postgres', 'postgresql'),
  AMQP_URL: url('amqp', 'amqps'),
  INVENTORY_ADDRESS: address,
  PAYMENT_ADDRESS: address,
  /** For each call to a neighbour; a direct order's calls also end with its caller's deadline. */
  RPC_DEADLINE_MS: ms.default(2_000),
  /** How long a batch from the queue waits for the bank: nobody is on the line. */
  CHARGE_PATIENCE_MS: ms.default(10_000),
  /** Most orders in one batch, and most batches at work at once. */
  BATCH: count.default(200),
  LANES: count.default(2),
  /** Direct calls at work; beyond it they are refused before anything is done. */
  MAX_DIRECT_IN_FLIGHT: count.default(200),
  /** A row that nobody touched for this long is carried on: twice the longest deadline. */
  RESUME_AFTER_MS: ms.default(20_000),
  /** How often orders looks for rows whose time is up or whose worker is gone. */
  RESUME_EVERY_MS: ms.default(1_000),
};

export type Config = z.infer<z.ZodObject<typeof settings>>;
