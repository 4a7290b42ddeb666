// The settings of orders.
import { address, count, ms, port, processConfig, url } from '@flashsale/runtime/config';
import type { z } from 'zod';

export const settings = {
  ...processConfig,
  GRPC_PORT: port,
  DATABASE_URL: url('postgres', 'postgresql'),
  AMQP_URL: url('amqp', 'amqps'),
  INVENTORY_ADDRESS: address,
  PAYMENT_ADDRESS: address,
  /** For each call to a participant; the calls of a direct order also end with its caller's deadline. */
  RPC_DEADLINE_MS: ms.default(2_000),
  /** How long stage 2 waits for one charge. */
  CHARGE_TIMEOUT_MS: ms.default(10_000),
  /** Orders in one batch of stage 1: one call and one statement bring at most 1,000. */
  BATCH: count.max(1_000).default(200),
  /** Batches at work at once; with the batch it is the prefetch, which AMQP counts in 16 bits. */
  LANES: count.max(64).default(2),
  /** PlaceOrder calls at work; beyond it they are refused before anything is done. */
  MAX_DIRECT_IN_FLIGHT: count.default(200),
  /** Between two runs of each background job. */
  JOBS_EVERY_MS: ms.max(60_000).default(1_000),
  /** A pending compensation that was not touched for so long is taken up: Void and Release have timed out by then. */
  COMPENSATE_AFTER_MS: ms.max(600_000).default(5_000),
};

export type Config = z.infer<z.ZodObject<typeof settings>>;
