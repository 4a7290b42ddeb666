// Gates on a real Redis, held by as many gateways as a test needs; a sale of its own for each test.
import assert from 'node:assert/strict';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { createLog } from '@flashsale/runtime/log';
import { Redis } from 'ioredis';
import { v7 } from 'uuid';
import { gateChecks, readGate } from '../../../infra/audit/gate.ts';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { until } from '../../../infra/until.ts';
import type { Snapshot } from '../src/domain/ports.ts';
import type { Sale } from '../src/domain/sale.ts';
import { createGate } from '../src/outbound/gate.ts';
import { createOrderViews } from '../src/outbound/order-views.ts';
import { createRedis, type GateRedis } from '../src/outbound/redis.ts';

export const DUE_MS = 60_000;
export const SENT_DUE_MS = 600_000;
const silent = createLog('test', 'silent');

export type Gates = Awaited<ReturnType<typeof openGates>>;

export async function openGates() {
  const namespace = await openNamespace();
  const gates = await gatesOn(namespace.redisUrl);
  return {
    ...gates,
    async close() {
      await gates.close();
      await namespace.close();
    },
  };
}

/** `url`: of a Redis that may be replaced by another under the same address. */
export async function gatesOn(url: string) {
  const eye = new Redis(url);
  eye.on('error', () => undefined);
  const opened: GateRedis[] = [];

  async function connect(through = url) {
    const redis = createRedis(through, silent);
    opened.push(redis);
    await until('Redis has said which process it is', () => redis.process());
    return { redis, gate: createGate(redis, SENT_DUE_MS), views: createOrderViews(redis) };
  }

  const own = await connect();
  const { gate } = own;

  /** The gate of that sale, exact in every line of the audit. */
  async function read(saleId: string) {
    const state = await readGate(eye, saleId);
    for (const check of gateChecks(state)) assert.ok(check.ok, `${check.name}: ${check.left} = ${check.terms}`);
    assert.ok(state.tickets >= 0, `tickets ${state.tickets}`);
    return state;
  }

  return {
    ...own,
    eye,
    connect,
    read,
    /** The same connection, which believes that Redis is another process. */
    elsewhere: createGate({ ...own.redis, process: () => 'another:redis' }, SENT_DUE_MS),

    async open(stock: number, sale: Partial<Sale> = {}, reservations: Snapshot['reservations'] = []): Promise<Sale> {
      const opened = aSale(stock, sale);
      const taken = reservations.reduce((units, { quantity }) => units + quantity, 0);
      await gate.flip({ sale: opened, available: stock - taken, reservations });
      return opened;
    },

    /** Admitted, in the state it has then. */
    async admitted(sale: Sale, buyerId: string, quantity = 1): Promise<OrderCommand> {
      const order = anOrder(sale, buyerId, quantity);
      assert.deepEqual(await gate.admit(order, DUE_MS), { kind: 'admitted' });
      return order;
    },

    tickets: async (saleId: string) => (await read(saleId)).tickets,
    stateOf: async ({ saleId, orderId }: OrderCommand) => (await read(saleId)).records.get(orderId)?.state,
    dueOf: async ({ saleId, orderId }: OrderCommand) => (await read(saleId)).due.get(orderId),
    makeDue: ({ saleId, orderId }: OrderCommand) => eye.zadd(`sale:{${saleId}}:due`, 'XX', 0, orderId),
    /** Unix milliseconds of the clock that the scripts read. */
    async now() {
      const [seconds, micros] = await eye.time();
      return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    },

    async close() {
      await Promise.all(opened.map((redis) => redis.stop()));
      eye.disconnect();
    },
  };
}

export function aSale(stock: number, sale: Partial<Sale> = {}): Sale {
  const now = Date.now();
  return {
    id: v7(),
    sku: 'sku-1',
    title: 'A test sale',
    price: { amountMinor: 1_000, currency: 'EUR' },
    stock,
    opensAtMs: now - 60_000,
    closesAtMs: now + 3_600_000,
    perBuyerLimit: 10,
    mode: 'queued',
    checkout: 'instant',
    holdSeconds: 0,
    decideWithinSeconds: 600,
    closed: false,
    epoch: 1,
    revision: 1,
    ...sale,
  };
}

export const anOrder = (sale: Sale, buyerId: string, quantity = 1): OrderCommand => ({
  orderId: v7(),
  saleId: sale.id,
  buyerId,
  quantity,
  epoch: sale.epoch,
  decideByMs: Date.now() + 600_000,
});
