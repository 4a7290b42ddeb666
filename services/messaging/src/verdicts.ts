// Verdicts: a handler's decision on each message, carried out at the broker: done, again later, or dead-lettered.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@flashsale/runtime/log';
import { tracing } from '@flashsale/runtime/trace';
import { inDelivery } from '@flashsale/runtime/trace-context';
import type { Registry } from '@prometheus-io/client';
import type { Channel, ConsumeMessage } from 'amqplib';
import { metricsOf } from './metrics.ts';
import { type Publisher, SENT_MS } from './publisher.ts';
import { deadLetterQueue, retryQueue, type WorkQueue } from './topology.ts';

/** A reason travels in a header, which is bounded. */
const LONGEST_REASON = 1_000;

export type Verdict = 'done' | 'later' | { dead: string };

export interface Handling<Value> {
  name: string;
  queue: string;
  /** The queue's name in metrics, where its own is one of many. */
  countedAs?: string;
  /** Most messages in one batch. */
  batch: number;
  log: Log;
  registry: Registry;
  parse: (body: unknown) => { value: Value } | { dead: string };
  /** One verdict for each value. What it throws is a surprise: all of them later. */
  handle: (values: Value[]) => Promise<Verdict[]>;
  /** Where 'later' and dead messages go; without it 'later' is requeued at once, so the work itself must pause. */
  retries?: { work: WorkQueue; publisher: Publisher };
}

/** Once it is not open, the broker delivers its messages again, and an acknowledgement would be an error. */
export type DeliveryChannel = { channel: Channel; open: boolean };

export function createBatchHandler<Value>(options: Handling<Value>) {
  const { log, retries, countedAs: queue = options.queue } = options;
  const { consumed, waitSeconds, deadLettered } = metricsOf(options.registry);
  for (const verdict of ['done', 'later', 'dead']) consumed.inc({ queue, verdict }, 0);
  waitSeconds.zero({ queue });
  if (retries) deadLettered.inc({ queue }, 0);

  async function handleBatch(from: DeliveryChannel, messages: ConsumeMessage[]): Promise<void> {
    messages.forEach(observeWait);
    const parsed = messages.map((message) => parseMessage(message, options.parse));
    const values = parsed.flatMap((result) => ('value' in result ? [result.value] : []));
    const decide = () => verdictsOn(values);
    const traced = () => inDelivery(options.name, messages, options.batch > 1, decide);
    const verdicts = [...(await (tracing.on ? traced() : decide()))];
    await Promise.all(
      messages.map(async (message, index) => {
        const result = parsed[index] as (typeof parsed)[number];
        const verdict = 'value' in result ? (verdicts.shift() ?? 'later') : result;
        if (await putAway(from, message, verdict)) from.channel.ack(message);
      }),
    );
  }

  /** Its publisher's clock may be ahead; a message of another publisher may have no such header. */
  function observeWait({ properties }: ConsumeMessage) {
    const sentMs = properties.headers?.[SENT_MS];
    if (Number.isFinite(sentMs)) waitSeconds.observe({ queue }, Math.max(0, Date.now() - sentMs) / 1_000);
  }

  async function verdictsOn(values: Value[]): Promise<Verdict[]> {
    if (values.length === 0) return [];
    try {
      return await options.handle(values);
    } catch (error) {
      log.error({ queue: options.queue, error: error instanceof Error ? error.stack : error }, 'a batch failed');
      return values.map(() => 'later');
    }
  }

  /** True once the message may be acknowledged; false when it comes again anyway. */
  async function putAway(from: DeliveryChannel, message: ConsumeMessage, verdict: Verdict): Promise<boolean> {
    consumed.inc({ queue, verdict: typeof verdict === 'string' ? verdict : 'dead' });
    if (verdict === 'done') return from.open;
    if (!retries) return putAwayHere(from, message, verdict);
    const { work, publisher } = retries;
    const attempt = attemptsOf(message);
    const reason = verdict === 'later' ? '' : verdict.dead.slice(0, LONGEST_REASON);
    const target = verdict === 'later' ? retryQueue(work, delayOf(work, attempt)) : deadLetterQueue(work);
    const headers = verdict === 'later' ? { 'x-attempt': attempt + 1 } : { 'x-reason': reason };
    if (verdict !== 'later') log.warn({ messageId: message.properties.messageId, reason }, 'dead-lettered');
    while (from.open) {
      if ((await publisher.forward(target, message, headers)) === 'confirmed') {
        if (verdict !== 'later') deadLettered.inc({ queue });
        return from.open;
      }
      await sleep(500);
    }
    return false;
  }

  /** Without retry steps: what is to come later is requeued, alone, because another consumer may be able to do it. */
  function putAwayHere(from: DeliveryChannel, message: ConsumeMessage, verdict: Exclude<Verdict, 'done'>): boolean {
    if (verdict === 'later') {
      if (from.open) from.channel.nack(message, false, true);
      return false;
    }
    // Kept, it would hold a place of the prefetch for ever.
    log.error({ messageId: message.properties.messageId, reason: verdict.dead }, 'dropped: it cannot be read');
    return from.open;
  }

  return handleBatch;
}

/** The header may come from any publisher: a value that is no number of attempts counts as none. */
const attemptsOf = ({ properties }: ConsumeMessage) =>
  Math.max(0, Math.trunc(Number(properties.headers?.['x-attempt'])) || 0);

const delayOf = (work: WorkQueue, attempt: number) =>
  work.retryDelaysMs[Math.min(attempt, work.retryDelaysMs.length - 1)] as number;

function parseMessage<Value>(message: ConsumeMessage, parse: Handling<Value>['parse']) {
  try {
    return parse(JSON.parse(message.content.toString('utf8')));
  } catch {
    return { dead: 'not JSON' };
  }
}
