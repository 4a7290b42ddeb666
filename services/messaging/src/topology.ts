// Exchanges and quorum queues as both sides of a message need them; the first side to connect declares them.
import type { Channel, Options } from 'amqplib';

export type DeclareTopology = (channel: Channel) => Promise<void>;

export interface WorkQueue {
  exchange: string;
  queue: string;
  /** Milliseconds; a message whose work could not be done waits one step longer each time, then always the longest. */
  retryDelaysMs: readonly number[];
  maxLength: number;
}

// A quorum queue that names no limit drops messages after 20 deliveries on RabbitMQ 4; -1 does so at once on 3.10.
const QUORUM = { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000 };
// Without reject-publish, at-least-once dead-lettering silently is at-most-once.
const AT_LEAST_ONCE = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' };

export const quorum = (extra: Record<string, unknown> = {}): Options.AssertQueue => ({
  durable: true,
  arguments: { ...QUORUM, ...extra },
});

export const retryQueue = (work: WorkQueue, delayMs: number) => `${work.queue}.retry.${delayMs}`;
export const deadLetterQueue = (work: WorkQueue) => `${work.queue}.dead`;

/** A queue of work with its retry steps, one queue for each delay, and its dead letters. */
export async function declareWorkQueue(channel: Channel, work: WorkQueue): Promise<void> {
  await channel.assertExchange(work.exchange, 'direct', { durable: true });
  await channel.assertQueue(deadLetterQueue(work), quorum());
  await channel.assertQueue(work.queue, quorum({ 'x-max-length': work.maxLength, 'x-overflow': 'reject-publish' }));
  await channel.bindQueue(work.queue, work.exchange, work.queue);
  const back = { 'x-dead-letter-exchange': work.exchange, 'x-dead-letter-routing-key': work.queue };
  for (const delayMs of work.retryDelaysMs) {
    const step = quorum({ 'x-message-ttl': delayMs, ...back, ...AT_LEAST_ONCE });
    await channel.assertQueue(retryQueue(work, delayMs), step);
  }
}
