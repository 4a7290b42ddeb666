// Publishing with confirms: the broker has it, the broker could not route it, or it is unknown.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@flashsale/runtime/log';
import { asStep } from '@flashsale/runtime/steps';
import { tracing } from '@flashsale/runtime/trace';
import { carried, FORWARDED_MS } from '@flashsale/runtime/trace-context';
import type { Registry } from '@prometheus-io/client';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { keepConnected } from './connection.ts';
import { metricsOf } from './metrics.ts';
import type { DeclareTopology } from './topology.ts';

const RESULTS = ['confirmed', 'returned', 'unsent', 'unknown'] as const;
/**
 * confirmed: in a queue, for good. returned: no queue took it. unsent: not handed to a connection at all.
 * unknown: nacked, timed out or cut off; it may be in a queue or arrive yet.
 */
export type PublishResult = (typeof RESULTS)[number];

export interface Message {
  id: string;
  body: object;
}

type Headers = Record<string, string | number>;

interface Content {
  id: string;
  bytes: Buffer;
  headers: Headers;
}

export interface Publisher {
  /** False when the broker is unreachable, blocked or refusing, or too much waits for its confirms. */
  available(): boolean;
  publish(exchange: string, routingKey: string, message: Message): Promise<PublishResult>;
  /** Sends a delivered message on, its body untouched, and of its headers those that stay with it. */
  forward(queue: string, message: ConsumeMessage, headers: Headers): Promise<PublishResult>;
  /** Messages that wait in a queue, delivered ones not counted. */
  waiting(queue: string): Promise<number>;
  stop(): Promise<void>;
}

/** Unix milliseconds at which a message was first sent: AMQP's own timestamp has whole seconds. */
export const SENT_MS = 'x-sent-ms';
/** Headers that stay with a message when it is sent on. A trace goes on also where this process has none. */
const KEPT = [SENT_MS, 'traceparent'];

const REFUSING_FOR_MS = 1_000;
const NACKED = 'message nacked';
const DURABLE_JSON = { persistent: true, mandatory: true, contentType: 'application/json' };

export function createPublisher(options: {
  url: string;
  name: string;
  log: Log;
  registry: Registry;
  declare: DeclareTopology;
  confirmTimeoutMs?: number;
  /** Bounds the memory that waits for the broker. */
  maxUnconfirmed?: number;
}): Publisher {
  const { log, confirmTimeoutMs = 5_000, maxUnconfirmed = 5_000 } = options;
  let channel: ConfirmChannel | undefined;
  let blocked = false;
  let refusedAt = Number.NEGATIVE_INFINITY;
  let sequence = 0;
  const unconfirmed = new Map<string, (result: PublishResult) => void>();
  const returned = new Set<string>();
  const metrics = metricsOf(options.registry);
  const labels = { connection: options.name };
  metrics.unconfirmed.add(options.name, () => unconfirmed.size);
  metrics.confirmSeconds.zero(labels);
  for (const result of RESULTS) metrics.published.inc({ ...labels, result }, 0);

  const connection = keepConnected({
    url: options.url,
    name: options.name,
    log,
    registry: options.registry,
    async setUp(model, broken) {
      model.on('blocked', (reason) => {
        blocked = true;
        log.warn({ reason }, 'the broker blocks publishers');
      });
      model.on('unblocked', () => {
        blocked = false;
      });
      const opened = await model.createConfirmChannel();
      opened.on('error', (error) => broken(error.message));
      opened.on('close', () => broken('channel closed'));
      // A return arrives before the confirm of the same message.
      opened.on('return', ({ properties }) => {
        if (unconfirmed.has(properties.correlationId)) returned.add(properties.correlationId);
      });
      await options.declare(opened);
      blocked = false;
      channel = opened;
    },
    onLost() {
      channel = undefined;
      for (const finish of unconfirmed.values()) finish('unknown');
    },
  });

  function send(exchange: string, routingKey: string, content: Content): Promise<PublishResult> {
    const open = channel;
    if (!open || unconfirmed.size >= maxUnconfirmed) return Promise.resolve('unsent');
    const correlationId = String(++sequence);
    return new Promise((resolve) => {
      const finish = (result: PublishResult) => {
        clearTimeout(timer);
        unconfirmed.delete(correlationId);
        returned.delete(correlationId);
        resolve(result);
      };
      const timer = setTimeout(finish, confirmTimeoutMs, 'unknown');
      unconfirmed.set(correlationId, finish);
      const properties = { ...DURABLE_JSON, messageId: content.id, correlationId, headers: content.headers };
      try {
        open.publish(exchange, routingKey, content.bytes, properties, (error) => {
          if (error?.message === NACKED) refusedAt = performance.now();
          finish(error ? 'unknown' : returned.has(correlationId) ? 'returned' : 'confirmed');
        });
      } catch {
        // amqplib refuses on a channel that is closing, before it writes anything.
        finish('unsent');
      }
    });
  }

  async function sendMeasured(exchange: string, routingKey: string, content: Content): Promise<PublishResult> {
    const end = metrics.confirmSeconds.startTimer(labels);
    const result = await send(exchange, routingKey, content);
    if (result !== 'unsent') end();
    metrics.published.inc({ ...labels, result });
    return result;
  }

  return {
    available: () =>
      connection.connected &&
      !blocked &&
      unconfirmed.size < maxUnconfirmed &&
      performance.now() - refusedAt > REFUSING_FOR_MS,
    publish: asStep<[string, string, Message], PublishResult>(
      (_, routingKey) => `publish ${routingKey}`,
      (_, __, { id }) => id,
      (exchange, routingKey, { id, body }) =>
        sendMeasured(exchange, routingKey, {
          id,
          bytes: Buffer.from(JSON.stringify(body)),
          headers: { [SENT_MS]: Date.now(), ...contextNow() },
        }),
    ),
    forward: asStep<[string, ConsumeMessage, Headers], PublishResult>(
      (queue) => `forward ${queue}`,
      (_, { properties }) => properties.messageId ?? '',
      (queue, message, headers) =>
        sendMeasured('', queue, {
          id: message.properties.messageId ?? '',
          bytes: message.content,
          headers: { ...keptOf(message), ...headers, ...contextNow({ [FORWARDED_MS]: Date.now() }) },
        }),
    ),
    async waiting(queue) {
      if (!channel) throw new Error('not connected to the broker');
      return (await channel.checkQueue(queue)).messageCount;
    },
    async stop() {
      const confirmed = channel?.waitForConfirms().catch(() => undefined);
      await Promise.race([confirmed, sleep(confirmTimeoutMs, undefined, { ref: false })]);
      await connection.stop();
    },
  };
}

const keptOf = ({ properties: { headers = {} } }: ConsumeMessage): Headers =>
  Object.fromEntries(KEPT.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));

const contextNow = (more: Headers = {}): Headers => (tracing.on ? { ...more, ...carried() } : {});
