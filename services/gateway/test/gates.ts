// Gates on a real Redis, held by as many gateways as a test needs; a sale of its own for each test.
import assert from 'node:assert/strict';
import { type GateKey, keyOf } from '@flashsale/contracts/keys';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { createLog } from '@flashsale/runtime/log';
import { Redis } from 'ioredis';
import { v7 } from 'uuid';
import { gateChecks, readGate } from '../../../infra/audit/gate.ts';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { type Owner, openEnding } from '../../../infra/testbed/ending.ts';
import { anOrder as orderOf, aSale as sample } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import type { Snapshot, TakenUnit } from '../src/domain/ports.ts';
import type { Sale } from '../src/domain/sale.ts';
import { createGate } from '../src/outbound/gate.ts';
import { createOrderViews } from '../src/outbound/order-views.ts';
import { createRedis } from '../src/outbound/redis.ts';

export const DUE_MS = 60_000;
export const SENT_DUE_MS = 600_000;
/** For a test that is not about late calls. */
export const ANY_TIME = { untilMs: Date.now() + 86_400_000, dueInMs: DUE_MS };
export const MOST = 500;
const silent = createLog('test', 'silent');

export type Gates = Awaited<ReturnType<typeof openGates>>;

export async function openGates() {
  const namespace = openEnding().closed(await openNamespace());
  return gatesOn(namespace.redisUrl);
}

/** `url`: of a Redis that may be replaced by another under the same address. */
export async function gatesOn(url: string, owner?: Owner) {
  const ending = openEnding(owner);
  const observer = new Redis(url);
  observer.on('error', () => undefined);
  ending.defer(() => observer.disconnect());

  async function connect(through = url, ...timing: Timing) {
    const redis = ending.stopped(createRedis(through, silent));
    await until('Redis has said what time it is', () => redis.clock.nowMs());
    return { redis, gate: createGate(redis, SENT_DUE_MS, ...timing), views: createOrderViews(redis) };
  }

  const own = await connect();
  const { gate } = own;
  const replace = (snapshot: Snapshot) => gate.replace(snapshot, new AbortController().signal);

  /** The gate of that sale, exact in every figure of the audit. */
  async function read(saleId: string) {
    const state = await readGate(observer, saleId);
    for (const check of gateChecks(state)) assert.ok(check.ok, `${check.name}: ${check.left} = ${check.terms}`);
    assert.ok(state.tickets >= 0, `tickets ${state.tickets}`);
    return state;
  }

  return {
    ...own,
    observer,
    connect,
    read,
    replace,

    async open(stock: number, sale: Partial<Sale> = {}, taken: TakenUnit[] = []): Promise<Sale> {
      const opened = aSale(stock, sale);
      assert.equal(await replace(aSnapshot(opened, taken)), true);
      return opened;
    },

    /** The gate as it is in a Redis with other data, or after it was shut. */
    makeOld: (saleId: string) => observer.hset(keyOf(saleId, 'gate'), 'history', 'of-another-redis'),

    /** Admitted, in the state it has then. */
    async admitted(sale: Sale, buyerId: string, quantity = 1): Promise<OrderCommand> {
      const order = anOrder(sale, buyerId, quantity);
      assert.equal((await gate.admit(order, ANY_TIME)).kind, 'admitted');
      return order;
    },

    async numbers(saleId: string) {
      const { epoch, stock, tickets, rev } = await read(saleId);
      return { epoch, stock, tickets, rev };
    },
    tickets: async (saleId: string) => (await read(saleId)).tickets,
    stateOf: async ({ saleId, orderId }: OrderCommand) => (await read(saleId)).records.get(orderId)?.state,
    dueOf: async ({ saleId, orderId }: OrderCommand) => (await read(saleId)).due.get(orderId),
    /** Since when an order waits, in Unix milliseconds. */
    waitingSinceMs: async ({ saleId, orderId }: OrderCommand) =>
      Math.floor(Number(await observer.zscore(keyOf(saleId, 'waiting'), orderId)) / 1_000),
    async makeDue({ saleId, orderId }: OrderCommand) {
      await observer.zadd(keyOf(saleId, 'unsent'), 'XX', 0, orderId);
      await observer.zadd(keyOf(saleId, 'sent'), 'XX', 0, orderId);
    },
    keysOf: (saleId: string) => observer.keys(keyOf(saleId, '*')),
    keyOf: (sale: Sale, key: GateKey) => keyOf(sale.id, key),
    /** Unix milliseconds of the clock that the scripts read. */
    async now() {
      const [seconds, micros] = await observer.time();
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    },
  };
}
type Timing = Parameters<typeof createGate> extends [unknown, unknown, ...infer Rest] ? Rest : never;

export function aSale(stock: number, fields: Partial<Sale> = {}): Sale {
  const { available, held, sold, ...sale } = sample({ stock, epoch: 1, revision: 1 });
  return { ...sale, ...fields } as Sale;
}

/** The snapshot of a sale whose other units are all available. */
export function aSnapshot(sale: Sale, taken: TakenUnit[] = []): Snapshot {
  const units = taken.reduce((sum, { quantity }) => sum + quantity, 0);
  return { sale, available: sale.stock - units, pages: pagesOf(taken) };
}

async function* pagesOf(taken: TakenUnit[]) {
  for (let i = 0; i < taken.length; i += 1_000) yield taken.slice(i, i + 1_000);
}

export const taken = (buyerId: string, quantity = 1): TakenUnit => ({ orderId: v7(), buyerId, quantity });

export const anOrder = (sale: Sale, buyerId: string, quantity = 1): OrderCommand =>
  orderOf(sale, { buyerId, quantity, mode: sale.mode });
