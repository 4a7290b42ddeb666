// The gate in Redis: a script for each step, one hash tag for each sale.
import { keyOf } from '@flashsale/contracts/ids';
import { OrderCommand } from '@flashsale/contracts/messages';
import type { Admission, DueRecord, Gate, Snapshot } from '../domain/ports.ts';
import type { Sale } from '../domain/sale.ts';
import { GATE_SCRIPTS, type GateScript } from './gate/scripts.ts';
import type { GateRedis } from './redis.ts';

const CLAIM_MOST = 500;
const CLAIM_LEASE_MS = 5_000;
const STAGE_CHUNK = 1_000;
const STAGED_FOR_MS = 600_000;
// Redis says these before a script has written anything.
const NOT_RUN = /^(OOM|LOADING|READONLY|MISCONF|NOAUTH|NOPERM|MASTERDOWN|CLUSTERDOWN|BUSY)\b/;

/** Neither a buyer nor a key has a line break. */
const fieldOf = (buyerId: string, key: string) => `${buyerId}\n${key}`;

export function createGate(redis: GateRedis, sentDueMs: number): Gate {
  const run = (name: GateScript, saleId: string, args: (string | number)[], more: string[] = []) => {
    const keys = [...GATE_SCRIPTS[name].parts, ...more].map((part) => keyOf(saleId, part));
    return redis.script(name, keys, args);
  };

  function connected(): string {
    const process = redis.process();
    if (!process) throw new Error('not connected to redis');
    return process;
  }

  async function admit(command: OrderCommand, dueInMs: number, idempotencyKey?: string): Promise<Admission> {
    const { orderId, saleId, buyerId, quantity, epoch } = command;
    const process = redis.process();
    if (!process) return { kind: 'stale' };
    const key = idempotencyKey && fieldOf(buyerId, idempotencyKey);
    const text = JSON.stringify(command);
    const record = { state: 'unsent', claimed: false, quantity, buyerId, command: text, ...(key && { key }) };
    const args = [process, epoch, orderId, buyerId, quantity, JSON.stringify(record), dueInMs, key ?? ''];
    try {
      const [kind, other = ''] = (await run('admit', saleId, args)) as [Admission['kind'], string?];
      if (kind === 'repeated') return { kind, first: toFirst(other) };
      return kind === 'already-bought' ? { kind, orderId: other } : { kind };
    } catch (error) {
      return { kind: error instanceof Error && NOT_RUN.test(error.message) ? 'stale' : 'unknown' };
    }
  }

  /** What a gate that can be believed remembers of one buyer. */
  async function lookUp(saleId: string, part: 'buyers' | 'keys', field: string): Promise<'stale' | string | null> {
    const process = redis.process();
    if (!process) return 'stale';
    const asked = run('lookUp', saleId, [process, field], [part]);
    const [kind, found] = (await asked.catch(() => ['stale'])) as ['stale'] | ['found', string | null];
    return kind === 'stale' ? 'stale' : found;
  }

  return {
    admit,

    async recall({ saleId, buyerId }, idempotencyKey) {
      const found = await lookUp(saleId, 'keys', fieldOf(buyerId, idempotencyKey));
      return found === 'stale' || found === null ? found : toFirst(found);
    },

    orderOf: (saleId, buyerId) => lookUp(saleId, 'buyers', buyerId),

    async stateOf({ saleId, orderId }) {
      const text = await redis.client.hget(keyOf(saleId, 'orders'), orderId);
      return text === null ? null : JSON.parse(text).state;
    },

    async position({ saleId, orderId }) {
      const before = await redis.client.zrank(keyOf(saleId, 'line'), orderId);
      return before === null ? null : before + 1;
    },

    async markSent({ saleId, orderId }) {
      await run('markSent', saleId, [orderId, sentDueMs]);
    },

    async refuse({ saleId, orderId, epoch }) {
      return (await run('refuse', saleId, [connected(), epoch, orderId])) === 1;
    },

    async claim(saleId) {
      const args = [connected(), CLAIM_MOST, CLAIM_LEASE_MS];
      const [epoch, ...pairs] = (await run('claim', saleId, args)) as string[];
      const records: DueRecord[] = [];
      for (let i = 0; i < pairs.length; i += 2) records.push(toRecord(pairs[i] as string, pairs[i + 1] as string));
      return { epoch: Number(epoch ?? 0), records };
    },

    async settleConfirmed(saleId, orderId, epoch) {
      await run('settleConfirmed', saleId, [orderId, epoch]);
    },

    async settleEnded(saleId, orderId, buyerId) {
      await run('settleEnded', saleId, [orderId, buyerId]);
    },

    async change(sale) {
      await run('change', sale.id, [sale.revision, sale.stock, ...windowOf(sale)]);
    },

    async flip({ sale, available, reservations }: Snapshot) {
      const process = connected();
      const staged = ['buyers', 'orders', 'due'].map((part) => `${part}:staged:${sale.epoch}`);
      await stage(
        redis,
        staged.map((part) => keyOf(sale.id, part)),
        reservations,
      );
      const args = [process, sale.epoch, sale.stock, sale.revision, available, ...windowOf(sale), reservations.length];
      if (redis.process() !== process) throw new Error('redis was lost while the gate was staged');
      // Its idempotency keys stay: whoever asks again is told what became of the order, or makes sure that it never comes.
      await run('flip', sale.id, args, staged);
    },

    remaining: (saleIds) =>
      Promise.all(
        saleIds.map(async (saleId) => {
          const tickets = await redis.client.hget(keyOf(saleId, 'gate'), 'tickets').catch(() => null);
          return tickets === null ? null : Number(tickets);
        }),
      ),

    async read(saleIds) {
      const process = connected();
      return Promise.all(
        saleIds.map(async (saleId) => {
          const fields = await redis.client.hmget(keyOf(saleId, 'gate'), 'epoch', 'rev', 'tickets', 'process');
          const [epoch, revision, tickets, builtIn] = fields;
          if (!epoch) return undefined;
          return {
            epoch: Number(epoch),
            revision: Number(revision),
            tickets: Number(tickets),
            current: builtIn === process,
          };
        }),
      );
    },
  };
}

/** As admit keeps it: order and quantity of the first request with a key. */
function toFirst(text: string) {
  const [orderId = '', quantity] = text.split(' ');
  return { orderId, quantity: Number(quantity) };
}

const windowOf = (sale: Sale) => [sale.closed ? 1 : 0, sale.opensAtMs, sale.closesAtMs];

function toRecord(orderId: string, text: string): DueRecord {
  const { state, buyerId, quantity, command } = JSON.parse(text);
  return { orderId, state, buyerId, quantity, ...(command && { command: OrderCommand.parse(JSON.parse(command)) }) };
}

/** A record for each unit that is taken, due now: each is asked about once. */
async function stage(redis: GateRedis, keys: string[], reservations: Snapshot['reservations']) {
  const [buyers, orders, due] = keys as [string, string, string];
  await redis.client.del(...keys);
  for (let i = 0; i < reservations.length; i += STAGE_CHUNK) {
    const chunk = reservations.slice(i, i + STAGE_CHUNK);
    const record = (quantity: number, buyerId: string) =>
      JSON.stringify({ state: 'sent', claimed: false, quantity, buyerId });
    await Promise.all([
      redis.client.hset(buyers, ...chunk.flatMap(({ buyerId, orderId }) => [buyerId, orderId])),
      redis.client.hset(orders, ...chunk.flatMap((taken) => [taken.orderId, record(taken.quantity, taken.buyerId)])),
      redis.client.zadd(due, ...chunk.flatMap(({ orderId }) => [Date.now(), orderId])),
    ]);
  }
  await Promise.all(keys.map((key) => redis.client.pexpire(key, STAGED_FOR_MS)));
}
