// The gate in Redis, as orders go through it: a script for each step, one hash slot for each sale, a record for each
// admitted order.
import { isUuid } from '@flashsale/contracts/fields';
import { keyOf } from '@flashsale/contracts/keys';
import { choiceOf, OrderCommand } from '@flashsale/contracts/messages';
import { groupCommit } from '@flashsale/runtime/group-commit';
import type { Admission, DueRecord, FirstOrder, Gate } from '../domain/ports.ts';
import type { LeaseTimes } from './gate/lease.ts';
import { createUpkeep } from './gate/upkeep.ts';
import type { GateRedis } from './redis.ts';

/** First waits between two checks of a due record; each doubles the last. */
const UNSENT_CHECK_MS = 5_000;
const LONGEST_CHECK_MS = 300_000;
/** Orders of a sale that are marked within this time share a script. */
const GATHER_MS = 5;
// Redis returns these before a script has written anything.
const NOT_RUN =
  /^(OOM|LOADING|READONLY|MISCONF|NOREPLICAS|NOAUTH|NOPERM|MASTERDOWN|CLUSTERDOWN|BUSY|NOSCRIPT|NOHISTORY)\b/;

type Marked = { saleId: string; orderId: string; arg: number };

export function createGate(redis: GateRedis, sentDueMs: number, leaseTimes?: LeaseTimes): Gate {
  const { client, gateScript: run } = redis;
  const [markSent, applyConfirmed] = [grouped('mark-sent', run), grouped('apply-confirmed', run)];

  async function admit(command: OrderCommand, options: Parameters<Gate['admit']>[1]): Promise<Admission> {
    // A command that is sent now would not reach a Redis that can guard a gate.
    if (client.status !== 'ready' || redis.refusal) return { kind: 'unavailable' };
    const { orderId, saleId, buyerId, quantity, epoch } = command;
    const key = options.idempotencyKey && keyField(buyerId, options.idempotencyKey);
    const { untilMs, dueInMs } = options;
    const once = key ? [key, firstRecord(command)] : [''];
    const args = [epoch, orderId, buyerId, quantity, admittedRecord(command, key), untilMs, dueInMs, ...once];
    try {
      return toAdmission((await run('admit', saleId, args)) as [Admission['kind'], string?]);
    } catch (error) {
      return { kind: error instanceof Error && NOT_RUN.test(error.message) ? 'unavailable' : 'unknown' };
    }
  }

  /** The memory of one buyer, in a gate that can be believed. */
  async function recall(saleId: string, buyerId: string, key = '') {
    const recalling = run('recall', saleId, [buyerId, key && keyField(buyerId, key)]).catch(() => ['unavailable']);
    const [kind, orderId = null, first = null] = (await recalling) as [string, (string | null)?, (string | null)?];
    return kind === 'unavailable' ? kind : { orderId, first: first === null ? null : toFirst(first) };
  }

  async function claim(saleId: string, most: number) {
    const claimed = await run('claim', saleId, [most, UNSENT_CHECK_MS, sentDueMs, LONGEST_CHECK_MS]);
    const [epoch = 0, damaged = 0, ...pairs] = claimed as (string | number)[];
    const records: DueRecord[] = [];
    const unread: [orderId: string, text: string][] = [];
    for (let i = 0; i < pairs.length; i += 2) {
      const [orderId, text] = [String(pairs[i]), String(pairs[i + 1])];
      const record = toDueRecord(saleId, orderId, text);
      if (record) records.push(record);
      else unread.push([orderId, text]);
    }
    await Promise.all(unread.map((which) => run('set-aside', saleId, which)));
    return { epoch: Number(epoch), records, damaged: Number(damaged) + unread.length };
  }

  return {
    ...createUpkeep(redis, leaseTimes),
    admit,
    claim,

    async recall({ saleId, buyerId }, idempotencyKey) {
      const recalled = await recall(saleId, buyerId, idempotencyKey);
      return recalled === 'unavailable' ? recalled : recalled.first;
    },

    async orderOf(saleId, buyerId) {
      const recalled = await recall(saleId, buyerId);
      return recalled === 'unavailable' ? recalled : recalled.orderId;
    },

    async stateOf({ saleId, orderId }) {
      const [text, damaged] = await Promise.all([
        client.hget(keyOf(saleId, 'orders'), orderId),
        client.hexists(keyOf(saleId, 'damaged'), orderId),
      ]);
      return text === null && !damaged ? null : stateIn(text ?? '');
    },

    absent: async ({ saleId, orderId }, epoch) => (await run('absent', saleId, [epoch, orderId])) === 1,

    async position({ saleId, orderId }) {
      const before = await client.zrank(keyOf(saleId, 'waiting'), orderId);
      return before === null ? null : before + 1;
    },

    async markSent({ saleId, orderId }) {
      await markSent({ saleId, orderId, arg: sentDueMs });
    },

    refuse: async ({ saleId, orderId, epoch }) => (await run('refuse', saleId, [epoch, orderId])) === 1,

    async applyConfirmed(saleId, orderId, epoch) {
      await applyConfirmed({ saleId, orderId, arg: epoch });
    },

    async applyEnded({ saleId, orderId, buyerId, quantity }) {
      await run('apply-ended', saleId, [orderId, buyerId, quantity]);
    },

    async leaveWaiting({ saleId, orderId }) {
      await client.zrem(keyOf(saleId, 'waiting'), orderId);
    },

    async joinWaiting({ saleId, orderId }) {
      await run('join-waiting', saleId, [orderId]);
    },
  };
}

/** One script for all orders of a sale that come within a few milliseconds. A sale whose script fails fails alone. */
function grouped(name: 'mark-sent' | 'apply-confirmed', run: GateRedis['gateScript']) {
  const groupOf = ({ saleId, arg }: Marked) => `${saleId} ${arg}`;
  return groupCommit<Marked, unknown>(GATHER_MS, async (orders) => {
    const scripts = new Map<string, Promise<unknown>>();
    for (const [group, members] of Map.groupBy(orders, groupOf)) {
      const [{ saleId, arg }] = members as [Marked];
      scripts.set(group, run(name, saleId, [arg, ...members.map(({ orderId }) => orderId)]));
    }
    return (order) => scripts.get(groupOf(order));
  });
}

function toAdmission([kind, detail = '']: [Admission['kind'], (string | number)?]): Admission {
  if (kind === 'admitted') return { kind, position: Number(detail) };
  if (kind === 'repeated') return { kind, first: toFirst(String(detail)) };
  return kind === 'already-bought' ? { kind, orderId: String(detail) } : { kind };
}

/** Neither a buyer nor a key has a line break. */
const keyField = (buyerId: string, idempotencyKey: string) => `${buyerId}\n${idempotencyKey}`;

/** A key from before a field existed stands for its default. */
function toFirst(text: string): FirstOrder {
  const { orderId, ...choice } = JSON.parse(text);
  return { orderId, ...choiceOf(choice) };
}

/** As text, which Lua passes on unchanged. */
const firstRecord = (command: OrderCommand) => JSON.stringify({ orderId: command.orderId, ...choiceOf(command) });

/** Contains only those fields of the command that the record and its keys lack; these as text, too. */
function admittedRecord(command: OrderCommand, key: string | undefined): string {
  const { orderId, saleId, buyerId, quantity, ...rest } = command;
  const record = { state: 'unsent', claimed: false, attempts: 0, quantity, buyerId, command: JSON.stringify(rest) };
  return JSON.stringify({ ...record, ...(key && { key }) });
}

/** The record of a damaged one is lost, but not its ticket: it counts as sent until its result is known. */
function stateIn(text: string): 'unsent' | 'sent' | 'sold' {
  const { state } = fieldsIn(text) as { state?: unknown };
  return state === 'unsent' || state === 'sold' ? state : 'sent';
}

/** Undefined for one whose id or command cannot be read. */
function toDueRecord(saleId: string, orderId: string, text: string): DueRecord | undefined {
  const { state, buyerId, quantity, command } = JSON.parse(text);
  if (!isUuid(orderId)) return undefined;
  if (command === undefined) return { orderId, state, buyerId, quantity };
  const read = OrderCommand.safeParse({ orderId, saleId, buyerId, quantity, ...fieldsIn(command) });
  return read.success ? { orderId, state, buyerId, quantity, command: read.data } : undefined;
}

function fieldsIn(text: unknown): object {
  try {
    return Object(JSON.parse(String(text)));
  } catch {
    return {};
  }
}
