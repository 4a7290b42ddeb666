// The gate in Redis: a script for each step, one hash tag for each sale.
import { keyOf } from '@flashsale/contracts/ids';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { groupCommit } from '@flashsale/runtime/group-commit';
import type { Admission, DueRecord, Gate, GateState } from '../domain/ports.ts';
import { createLeases, type LeaseTimes } from './gate/lease.ts';
import { admittedRecord, firstRecord, keyField, stateIn, toDueRecord, toFirst } from './gate/records.ts';
import { makeRoom, replaceGate, windowOf } from './gate/replace.ts';
import { GATE_SCRIPTS, type GateScript } from './gate/scripts.ts';
import type { GateRedis } from './redis.ts';

/** First waits between two looks at a due record; each doubles the last. */
const UNSENT_LOOK_MS = 5_000;
const LONGEST_LOOK_MS = 300_000;
const LEASE: LeaseTimes = { lastsMs: 10_000, renewEveryMs: 2_000 };
/** Orders of a sale that are marked within this time share a script. */
const GATHER_MS = 5;
const EXPIRES_IN_MS = 7 * 24 * 3_600_000;
// Redis says these before a script has written anything.
const NOT_RUN =
  /^(OOM|LOADING|READONLY|MISCONF|NOREPLICAS|NOAUTH|NOPERM|MASTERDOWN|CLUSTERDOWN|BUSY|NOSCRIPT|NOHISTORY)\b/;

type Order = { saleId: string; orderId: string };
type Args = (string | number)[];

export function createGate(redis: GateRedis, sentDueMs: number, leaseTimes = LEASE): Gate {
  const { client } = redis;
  const leases = createLeases(redis, leaseTimes);
  const run = (name: GateScript, saleId: string, args: Args = [], more: string[] = []) => {
    const keys = [...GATE_SCRIPTS[name].parts, ...more].map((part) => keyOf(saleId, part));
    return redis.script(name, keys, args);
  };

  /** One script for all orders of a sale that come within a few milliseconds. A sale whose script fails fails alone. */
  const together = (name: 'markSent' | 'applyConfirmed') =>
    groupCommit<Order & { arg: number }, unknown>(GATHER_MS, async (orders) => {
      const groupOf = ({ saleId, arg }: Order & { arg: number }) => `${saleId} ${arg}`;
      const scripts = new Map<string, Promise<unknown>>();
      for (const [group, members] of Map.groupBy(orders, groupOf)) {
        const [{ saleId, arg }] = members as [(typeof members)[0]];
        scripts.set(group, run(name, saleId, [arg, ...members.map(({ orderId }) => orderId)]));
      }
      return (order) => scripts.get(groupOf(order));
    });
  const [markSent, applyConfirmed] = [together('markSent'), together('applyConfirmed')];

  async function admit(command: OrderCommand, options: Parameters<Gate['admit']>[1]): Promise<Admission> {
    if (!redis.connected()) return { kind: 'unavailable' };
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

  /** What a gate that can be believed remembers of one buyer. */
  async function lookUp(
    saleId: string,
    part: 'buyers' | 'keys',
    field: string,
  ): Promise<'unavailable' | string | null> {
    const asked = run('lookUp', saleId, [field], [part]);
    const [kind, found] = (await asked.catch(() => ['unavailable'])) as ['unavailable'] | ['found', string | null];
    return kind === 'unavailable' ? kind : found;
  }

  async function claim(saleId: string, most: number) {
    const answer = await run('claim', saleId, [most, UNSENT_LOOK_MS, sentDueMs, LONGEST_LOOK_MS]);
    const [epoch = 0, damaged = 0, ...pairs] = answer as (string | number)[];
    const records: DueRecord[] = [];
    const unread: [orderId: string, text: string][] = [];
    for (let i = 0; i < pairs.length; i += 2) {
      const [orderId, text] = [String(pairs[i]), String(pairs[i + 1])];
      const record = toDueRecord(saleId, orderId, text);
      if (record) records.push(record);
      else unread.push([orderId, text]);
    }
    await Promise.all(unread.map((which) => run('setAside', saleId, which)));
    return { epoch: Number(epoch), records, damaged: Number(damaged) + unread.length };
  }

  return {
    admit,

    async recall({ saleId, buyerId }, idempotencyKey) {
      const found = await lookUp(saleId, 'keys', keyField(buyerId, idempotencyKey));
      return found === 'unavailable' || found === null ? found : toFirst(found);
    },

    orderOf: (saleId, buyerId) => lookUp(saleId, 'buyers', buyerId),

    async stateOf({ saleId, orderId }) {
      const [text, damaged] = await Promise.all([
        client.hget(keyOf(saleId, 'orders'), orderId),
        client.hexists(keyOf(saleId, 'orders:damaged'), orderId),
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

    claim,

    async applyConfirmed(saleId, orderId, epoch) {
      await applyConfirmed({ saleId, orderId, arg: epoch });
    },

    async applyEnded({ saleId, orderId, buyerId, quantity }) {
      await run('applyEnded', saleId, [orderId, buyerId, quantity]);
    },

    async change(sale) {
      await run('change', sale.id, [sale.revision, sale.stock, ...windowOf(sale)]);
    },

    async shut(saleId, epoch) {
      await run('shut', saleId, [epoch]);
    },

    lease: leases.lease,

    makeRoom: (saleId, epoch, records) => makeRoom(redis, saleId, epoch, records),

    replace: (snapshot, lost) => replaceGate(redis, snapshot, lost, leases.tokenOf(lost)),

    async read(saleIds) {
      const [states] = await Promise.all([
        Promise.all(saleIds.map(async (saleId) => toState((await run('read', saleId)) as Args))),
        redis.readTime(),
      ]);
      return states;
    },

    levels: (saleIds) =>
      Promise.all(
        saleIds.map(async (saleId) => {
          const asked = [
            client.hget(keyOf(saleId, 'gate'), 'tickets'),
            client.zcard(keyOf(saleId, 'waiting')),
          ] as const;
          const [tickets, waiting] = await Promise.all(asked).catch(() => [null, 0] as const);
          return tickets === null ? null : { tickets: Number(tickets), waiting };
        }),
      ),

    async leaveWaiting({ saleId, orderId }: Order) {
      await client.zrem(keyOf(saleId, 'waiting'), orderId);
    },

    async joinWaiting({ saleId, orderId }: Order) {
      await run('joinWaiting', saleId, [orderId]);
    },

    expire: async (saleId) => (await run('expire', saleId, [EXPIRES_IN_MS])) === 1,
  };
}

function toAdmission([kind, detail = '']: [Admission['kind'], (string | number)?]): Admission {
  if (kind === 'admitted') return { kind, position: Number(detail) };
  if (kind === 'repeated') return { kind, first: toFirst(String(detail)) };
  return kind === 'already-bought' ? { kind, orderId: String(detail) } : { kind };
}

function toState(fields: Args): GateState | undefined {
  if (fields.length === 0) return undefined;
  const [epoch, revision, stock, tickets, current, waiting, pending] = fields.map(Number) as Seven;
  return { epoch, revision, stock, tickets, current: current === 1, waiting, pending };
}
type Seven = [number, number, number, number, number, number, number];
