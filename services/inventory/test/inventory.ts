// An inventory of one's own for a test: its database, its process-to-be, a client, and makers of sales and orders.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  InventoryServiceClient,
  type ReopenResponse,
  type Reservation,
  type ReserveItem,
  type Sale,
} from '@flashsale/contracts/inventory';
import { reservationState } from '@flashsale/contracts/wire';
import { call, callStream, connectTo } from '@flashsale/rpc/client';
import pg from 'pg';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { startInventory } from '../src/app.ts';
import type { Config } from '../src/config.ts';

const WAITING = `SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'`;
/** The tests' own: a million reservations take a while on a busy machine. */
const timeout = { deadlineMs: 110_000 };

/** Calls go to the replicas in turn, so that they meet in the database however one process lines up its own. */
export async function openInventory(replicas = 1, settings: Partial<Config> = {}) {
  const namespace = await openNamespace();
  const url = namespace.databases.inventory;
  const start = () =>
    startInventory({
      HOST: '127.0.0.1',
      GRPC_PORT: 0,
      OPS_PORT: 0,
      LOG_LEVEL: 'silent',
      DATABASE_URL: url,
      // Shorter than one Reopen takes: most tests reopen again and again.
      REOPEN_DAMPING_MS: 0,
      ...settings,
    });
  const service = await start();
  const services = [service, ...(await Promise.all(times(replicas - 1, start)))];
  const clients = services.map(({ address }) => connectTo(InventoryServiceClient, address, { retries: 'never' }));
  const client = clients[0] as InventoryServiceClient;
  let asked = 0;
  const inTurn = () => clients[asked++ % clients.length] as InventoryServiceClient;
  const database = new pg.Pool({ connectionString: url, max: 2 });
  database.on('error', () => undefined);

  return {
    ...service,
    client,
    databaseUrl: url,
    database,
    /** How many transactions wait for a lock. */
    waiting: async () => (await database.query(WAITING)).rows[0].count as number,
    ...calls(inTurn),
    async close() {
      for (const each of clients) each.close();
      await Promise.all(services.map((each) => each.stop()));
      await database.end();
      await namespace.close();
    },
  };
}

export type Inventory = Awaited<ReturnType<typeof openInventory>>;

/** The eight calls in short: what is asked for in, what a reader wants to compare out. */
function calls(inTurn: () => InventoryServiceClient) {
  const ask = <Request, Response>(
    method: (client: InventoryServiceClient) => Parameters<typeof call<Request, Response>>[1],
    request: Request,
  ) => {
    const client = inTurn();
    return call(client, method(client), request, timeout);
  };
  const create = async (fields: Partial<Sale> = {}) =>
    (await ask((client) => client.createSale, { sale: { ...aSale(), ...fields } })).sale as Sale;
  const reopening = (saleId: string, expectedEpoch: number, gateEpoch = 0) => {
    const client = inTurn();
    return callStream(client, client.reopen, { saleId, expectedEpoch, gateEpoch }, timeout);
  };
  const reopen = async (...asked: Parameters<typeof reopening>) => {
    const stream = reopening(...asked);
    const { sale } = (await stream.next()).value as ReopenResponse;
    const pages: Reservation[][] = [];
    for await (const { reservations } of stream) pages.push(reservations);
    return { sale, pages, reservations: pages.flat() };
  };
  return {
    create,
    /** The stream as it comes; `reopen` reads all of it. */
    reopening,
    reopen,
    /** A sale whose first gate is open: epoch 1. */
    async open(stock: number, fields: Partial<Sale> = {}): Promise<Sale> {
      return (await reopen((await create({ ...fields, stock })).saleId, 0)).sale as Sale;
    },
    get: async (saleId: string) => (await ask((client) => client.getSale, { saleId })).sale as Sale,
    list: async () => (await ask((client) => client.listSales, {})).sales,
    update: async (
      saleId: string,
      change: {
        addStock?: number;
        closed?: boolean;
        opensAtMs?: number;
        closesAtMs?: number;
        expectedRevision?: number;
      },
    ) => (await ask((client) => client.updateSale, { saleId, addStock: 0, ...change })).sale as Sale,
    reserve: async (items: ReserveItem[]) =>
      (await ask((client) => client.reserve, { items })).outcomes.map(({ state, reason }) => reason || word(state)),
    confirm: async (orderIds: string[]) =>
      (await ask((client) => client.confirm, { orderIds })).outcomes.map(({ state }) => word(state)),
    release: async (items: ReserveItem[]) =>
      (await ask((client) => client.release, { items })).outcomes.map(({ state }) => word(state)),
  };
}

export const aSale = (): Sale => ({
  saleId: randomUUID(),
  sku: 'phone-15',
  title: 'A phone / 手机',
  price: { amountMinor: 19_900, currency: 'CNY' },
  stock: 10,
  available: 0,
  held: 0,
  sold: 0,
  opensAtMs: Date.UTC(2026, 10, 11, 12),
  closesAtMs: Date.UTC(2026, 10, 11, 13),
  perBuyerLimit: 2,
  mode: 'queued',
  checkout: 'instant',
  holdSeconds: 0,
  decideWithinSeconds: 600,
  closed: false,
  epoch: 0,
  revision: 0,
});

export const anOrder = ({ saleId, epoch }: { saleId: string; epoch: number }, quantity = 1): ReserveItem => ({
  orderId: randomUUID(),
  saleId,
  buyerId: `buyer-${randomUUID()}`,
  quantity,
  epoch,
});

export const times = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

const word = reservationState.fromWire;

/** Counters and sums over the reservations, in one snapshot; fails where they differ. */
export async function stockOf({ database }: Inventory, saleId: string) {
  const { rows } = await database.query(
    `SELECT stock, available, held, sold,
       (SELECT coalesce(sum(quantity), 0) FROM reservations WHERE sale_id = $1 AND state = 'held') AS "sumHeld",
       (SELECT coalesce(sum(quantity), 0) FROM reservations WHERE sale_id = $1 AND state = 'sold') AS "sumSold"
     FROM sales WHERE id = $1`,
    [saleId],
  );
  const { stock, available, held, sold, sumHeld, sumSold } = rows[0];
  assert.deepEqual({ held, sold }, { held: sumHeld, sold: sumSold });
  assert.equal(available + held + sold, stock);
  assert.ok(available >= 0);
  return { available, held, sold };
}

/** Holds what the statement locks until the returned function is called, or the test has ended. */
export async function lock(t: TestContext, { database }: Inventory, statement: string, values: unknown[] = []) {
  const connection = await database.connect();
  let ended: Promise<unknown> | undefined;
  const unlock = async () => {
    ended ??= connection.query('ROLLBACK').then(() => connection.release());
    await ended;
  };
  t.after(unlock);
  await connection.query('BEGIN');
  await connection.query(statement, values);
  return unlock;
}

export const lockSales = (t: TestContext, inventory: Inventory, saleIds: string[]) =>
  lock(t, inventory, 'SELECT 1 FROM sales WHERE id = ANY ($1) FOR UPDATE', [saleIds]);

/** Reads again until it is so. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await setImmediate();
}

/** Does `work` again and again until the other ends, and fails when either does. */
export async function whileRunning(other: Promise<unknown>, work: () => Promise<void>): Promise<void> {
  let running = true;
  const ended = other.finally(() => {
    running = false;
  });
  const working = (async () => {
    while (running) await work();
  })();
  await Promise.all([ended, working]);
}
