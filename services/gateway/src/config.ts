// The settings of the gateway, from its environment.
import { address, count, ms, port, processConfig, secret, url } from '@flashsale/runtime/config';
import { z } from 'zod';

export const settings = {
  ...processConfig,
  HTTP_PORT: port,
  /** Other gateways of this machine listen on the same port. */
  HTTP_REUSE_PORT: z.stringbool().default(false),
  REDIS_URL: url('redis', 'rediss'),
  AMQP_URL: url('amqp', 'amqps'),
  ORDERS_ADDRESS: address,
  INVENTORY_ADDRESS: address,
  /** Verify tokens; the gateway never signs one. */
  BUYER_TOKEN_SECRET: secret,
  ADMIN_TOKEN_SECRET: secret,
  RPC_DEADLINE_MS: ms.default(2_000),
  /** How long a direct click may take; the order is decided by then, or not at all. */
  DIRECT_DEADLINE_MS: ms.default(2_000),
  DIRECT_MAX_IN_FLIGHT: count.default(100),
  /** Orders on their way to the gate, on either path; beyond it 503, so that a silent Redis costs no memory. */
  MAX_ADMITTING: count.default(2_000),
  /** How long the broker may take to confirm before the outcome counts as unknown. */
  CONFIRM_TIMEOUT_MS: ms.default(5_000),
  /** When the sweeper checks an order that was admitted and is not known to be published; longer than the confirm takes. */
  UNSENT_DUE_MS: ms.default(10_000),
  /** When it checks one that the broker has; long, because waiting is normal. */
  SENT_DUE_MS: ms.default(30_000),
  /** Clicks per second of one buyer at this gateway; beyond it 429. */
  CLICKS_PER_BUYER: count.default(10),
  /** Streams and waits that may be open at once. */
  MAX_LISTENERS: count.default(5_000),
  MAX_LISTENERS_OF_A_BUYER: count.default(10),
  /** Keeps a proxy from taking a quiet stream for a dead one. */
  HEARTBEAT_MS: ms.default(15_000),
  /** How often sales and gates are refreshed and due orders checked. */
  REFRESH_MS: ms.default(1_000),
  /** How long, before a gate is rebuilt, queued orders of the old one may take to be reserved; later ones are rejected. */
  REBUILD_COURTESY_MS: ms.default(10_000),
  /** How long a gate at rest must contradict inventory before it is shut and rebuilt. */
  AT_REST_MS: ms.default(10_000),
};

export type Config = z.infer<z.ZodObject<typeof settings>>;
