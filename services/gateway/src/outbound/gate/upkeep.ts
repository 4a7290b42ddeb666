// The gate of a sale as a whole: its state, the changes of its sale, and its replacement.
import { keyOf } from '@flashsale/contracts/keys';
import type { Gate, GateState } from '../../domain/ports.ts';
import type { GateRedis } from '../redis.ts';
import { createLeases, type LeaseTimes } from './lease.ts';
import { makeRoom, replaceGate, windowOf } from './replace.ts';

const LEASE: LeaseTimes = { lastsMs: 10_000, renewEveryMs: 2_000 };
const EXPIRES_IN_MS = 7 * 24 * 3_600_000;

type Upkeep = Pick<Gate, 'read' | 'levels' | 'change' | 'shut' | 'expire' | 'lease' | 'makeRoom' | 'replace'>;

export function createUpkeep(redis: GateRedis, leaseTimes = LEASE): Upkeep {
  const { client, gateScript: run } = redis;
  const leases = createLeases(redis, leaseTimes);

  /** Null for a gate that is missing or cannot be read just now. */
  async function levelOf(saleId: string) {
    const reading = [client.hget(keyOf(saleId, 'gate'), 'tickets'), client.zcard(keyOf(saleId, 'waiting'))] as const;
    const [tickets, waiting] = await Promise.all(reading).catch(() => [null, 0] as const);
    return tickets === null ? null : { tickets: Number(tickets), waiting };
  }

  return {
    async read(saleIds) {
      const [states] = await Promise.all([
        Promise.all(saleIds.map(async (saleId) => toState((await run('read', saleId)) as (string | number)[]))),
        redis.readTime(),
      ]);
      return states;
    },

    levels: (saleIds) => Promise.all(saleIds.map(levelOf)),

    async change(sale) {
      await run('change', sale.id, [sale.revision, sale.stock, ...windowOf(sale)]);
    },

    async shut(saleId, epoch) {
      await run('shut', saleId, [epoch]);
    },

    expire: async (saleId) => (await run('expire', saleId, [EXPIRES_IN_MS])) === 1,

    lease: leases.lease,
    makeRoom: (saleId, epoch, records) => makeRoom(redis, saleId, epoch, records),
    replace: (snapshot, lost) => replaceGate(redis, snapshot, lost, leases.tokenOf(lost)),
  };
}

function toState(fields: (string | number)[]): GateState | undefined {
  if (fields.length === 0) return undefined;
  const [epoch, revision, stock, tickets, current, waiting, pending, sinceUs] = fields.map(Number) as Eight;
  const waitingSinceMs = sinceUs === 0 ? null : Math.floor(sinceUs / 1_000);
  return { epoch, revision, stock, tickets, current: current === 1, waiting, waitingSinceMs, pending };
}
type Eight = [number, number, number, number, number, number, number, number];
