// Consuming what waits, in batches: each message is done, tried again later, or dead-lettered with its reason.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '@flashsale/runtime/log';
import type { Channel, ConsumeMessage } from 'amqplib';
import { type KeptConnection, keepConnected } from './connection.ts';
import type { Publisher } from './publisher.ts';
import { type DeclareTopology, deadLetterQueue, retryQueue, type WorkQueue } from './topology.ts';

/** A batch that takes longer goes back to the queue with its connection. */
const STOP_WAIT_MS = 8_000;
/** For each answer of the broker while stopping. */
const ANSWER_WAIT_MS = 1_000;
/** AMQP counts them in 16 bits. */
const MOST_PREFETCHED = 65_535;
/** A reason travels in a header, which is bounded. */
const LONGEST_REASON = 1_000;

export type Verdict = 'done' | 'later' | { dead: string };

export interface Consumer {
  consuming(): boolean;
  /** Takes no more, finishes the batches at work; what was delivered but not begun goes back to the queue. */
  stop(): Promise<void>;
}

interface Lane {
  channel: Channel;
  consumerTag: string;
  open: boolean;
  waiting: ConsumeMessage[];
  gathering: boolean;
  lost(why: string): void;
}

export function consumeBatches<Value>(options: {
  url: string;
  name: string;
  log: Log;
  declare: DeclareTopology;
  queue: string;
  /** Most messages in one batch, and most batches at work at once. */
  batch: number;
  lanes: number;
  /** How long a batch that is not full waits for more messages; without it, for those of one socket read. */
  gatherMs?: number;
  /** Fewer lanes for now; what waits for one goes back to the queue with a stop. Read whenever a batch ends. */
  lanesNow?: () => number;
  parse: (body: unknown) => { value: Value } | { dead: string };
  /** One verdict for each value. What it throws is a surprise: all of them later. */
  handle: (values: Value[]) => Promise<Verdict[]>;
  /** Where 'later' and dead messages go; without it 'later' is requeued at once, so the work itself must pause. */
  retries?: { work: WorkQueue; publisher: Publisher };
}): Consumer {
  const { log, batch, lanes, gatherMs = 0, lanesNow = () => lanes } = options;
  const atWork = new Set<Promise<void>>();
  let current: Lane | undefined;
  let stopping = false;

  const connection: KeptConnection = keepConnected({
    url: options.url,
    name: options.name,
    log,
    async setUp(model, broken) {
      const channel = await model.createChannel();
      const lane: Lane = {
        channel,
        consumerTag: '',
        open: true,
        waiting: [],
        gathering: false,
        // From this moment on an acknowledgement would be an error: the connection is about to be closed.
        lost(why) {
          lane.open = false;
          if (!stopping) broken(why);
        },
      };
      const { lost } = lane;
      channel.on('error', (error) => lost(error.message));
      channel.on('close', () => lost('channel closed'));
      await options.declare(channel);
      await channel.prefetch(Math.min(batch * lanes, MOST_PREFETCHED));
      const consumer = await channel.consume(options.queue, (message) => {
        if (!message) return lost('the server cancelled the consumer');
        lane.waiting.push(message);
        gather(lane);
      });
      lane.consumerTag = consumer.consumerTag;
      current = lane;
    },
    onLost() {
      if (current) current.open = false;
      current = undefined;
    },
  });

  /** A batch costs about the same whatever its size, and messages that come one by one would each be a batch. */
  function gather(lane: Lane) {
    if (lane.waiting.length >= batch) return pump(lane);
    if (lane.gathering) return;
    lane.gathering = true;
    const begin = () => {
      lane.gathering = false;
      pump(lane);
    };
    // Messages of one socket read arrive in one tick.
    if (gatherMs === 0) setImmediate(begin);
    else setTimeout(begin, gatherMs);
  }

  function pump(lane: Lane) {
    while (lane.open && !stopping && atWork.size < lanesNow() && lane.waiting.length > 0) {
      const work = workOn(lane, lane.waiting.splice(0, batch)).finally(() => {
        atWork.delete(work);
        if (current && current.waiting.length > 0) gather(current);
      });
      atWork.add(work);
    }
  }

  async function workOn(lane: Lane, messages: ConsumeMessage[]) {
    const parsed = messages.map((message) => parseMessage(message, options.parse));
    const values = parsed.flatMap((result) => ('value' in result ? [result.value] : []));
    const verdicts = values.length ? await handleAll(values) : [];
    const left = [...verdicts];
    await Promise.all(
      messages.map(async (message, index) => {
        const result = parsed[index] as (typeof parsed)[number];
        const verdict = 'value' in result ? (left.shift() ?? 'later') : result;
        if (await putAway(lane, message, verdict)) lane.channel.ack(message);
      }),
    );
  }

  async function handleAll(values: Value[]): Promise<Verdict[]> {
    try {
      return await options.handle(values);
    } catch (error) {
      log.error({ queue: options.queue, error: error instanceof Error ? error.stack : error }, 'a batch failed');
      return values.map(() => 'later');
    }
  }

  /** True once the message may be acknowledged; false when its channel is gone and the broker delivers it again anyway. */
  async function putAway(lane: Lane, message: ConsumeMessage, verdict: Verdict): Promise<boolean> {
    if (verdict === 'done') return lane.open;
    if (!options.retries) return putAwayHere(lane, message, verdict);
    const { work, publisher } = options.retries;
    const attempt = attemptsOf(message);
    const reason = verdict === 'later' ? '' : verdict.dead.slice(0, LONGEST_REASON);
    const target = verdict === 'later' ? retryQueue(work, delayOf(work, attempt)) : deadLetterQueue(work);
    const headers = verdict === 'later' ? { 'x-attempt': attempt + 1 } : { 'x-reason': reason };
    if (verdict !== 'later') log.warn({ messageId: message.properties.messageId, reason }, 'dead-lettered');
    while (lane.open) {
      const result = await publisher.forward(target, message, headers);
      if (result === 'confirmed') return lane.open;
      await sleep(500);
    }
    return false;
  }

  /** Without retry steps: what is to come later is requeued, alone, because another consumer may be able to do it. */
  function putAwayHere(lane: Lane, message: ConsumeMessage, verdict: Exclude<Verdict, 'done'>): boolean {
    if (verdict === 'later') {
      if (lane.open) lane.channel.nack(message, false, true);
      return false;
    }
    // Kept, it would take the place of one that can be read, until there is no place left.
    log.error({ messageId: message.properties.messageId, reason: verdict.dead }, 'dropped: nobody can read it');
    return lane.open;
  }

  return {
    consuming: () => connection.connected(),
    async stop() {
      stopping = true;
      const lane = current;
      if (lane?.open) await atMost(ANSWER_WAIT_MS, lane.channel.cancel(lane.consumerTag));
      await atMost(STOP_WAIT_MS, Promise.all(atWork));
      if (lane?.open) {
        lane.open = false;
        // The channel's close goes after its acknowledgements; the connection's would overtake them.
        await atMost(ANSWER_WAIT_MS, lane.channel.close());
      }
      await connection.stop();
    },
  };
}

const atMost = (ms: number, work: Promise<unknown>) =>
  Promise.race([work.catch(() => undefined), sleep(ms, undefined, { ref: false })]);

/** The header may come from any publisher: a value that is no number of attempts counts as none. */
const attemptsOf = ({ properties }: ConsumeMessage) =>
  Math.max(0, Math.trunc(Number(properties.headers?.['x-attempt'])) || 0);

const delayOf = (work: WorkQueue, attempt: number) =>
  work.retryDelaysMs[Math.min(attempt, work.retryDelaysMs.length - 1)] as number;

function parseMessage<Value>(message: ConsumeMessage, parse: (body: unknown) => { value: Value } | { dead: string }) {
  try {
    return parse(JSON.parse(message.content.toString('utf8')));
  } catch {
    return { dead: 'not JSON' };
  }
}
