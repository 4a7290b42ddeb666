// Inventory on a database of its own, its calls in short, and locks that hold it up.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { reservationState } from '@flashsale/contracts/fields';
import type {
  InventoryServiceClient,
  ReopenResponse,
  Reservation,
  ReserveItem,
  Sale,
} from '@flashsale/contracts/inventory';
import { call, callStream } from '@flashsale/rpc/client';
import type { Owner } from '../../../infra/testbed/ending.ts';
import { aSale } from '../../../infra/testbed/samples.ts';
import { openService } from '../../../infra/testbed/service.ts';
import type { Env } from '../../../infra/testbed/services.ts';

const WAITING = `SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'`;
/** The tests' own: a million reservations take a while on a busy machine. */
const timeout = { deadlineMs: 110_000 };

/** Calls go to the replicas in turn, so that they meet in the database however one process orders its own. */
export async function openInventory(replicas = 1, env: Env = {}, owner?: Owner) {
  // Shorter than one Reopen takes: most tests reopen again and again.
  const { start, ...opened } = await openService('inventory', { REOPEN_DAMPING_MS: 1, ...env }, owner);
  const services = [await start()];
  while (services.length < replicas) services.push(await start());
  const [{ client, address, ops } = assert.fail()] = services;
  let calls = 0;
  const inTurn = () => services[calls++ % services.length]?.client ?? client;
  return {
    ...opened,
    client,
    address,
    ops,
    /** How many transactions wait for a lock. */
    waiting: async () => (await opened.database.query(WAITING)).rows[0].count as number,
    ...callsOf(inTurn),
  };
}

export type Inventory = Awaited<ReturnType<typeof openInventory>>;

/** The eight calls in short: requests in, what a reader wants to compare out. */
function callsOf(inTurn: () => InventoryServiceClient) {
  const send = <Request, Response>(
    method: (client: InventoryServiceClient) => Parameters<typeof call<Request, Response>>[1],
    request: Request,
  ) => {
    const client = inTurn();
    return call(client, method(client), request, timeout);
  };
  const create = async (fields: Partial<Sale> = {}) =>
    (await send((client) => client.createSale, { sale: aSale(fields) })).sale as Sale;
  const reopening = (saleId: string, expectedEpoch: number, gateEpoch = 0) => {
    const client = inTurn();
    return callStream(client, client.reopen, { saleId, expectedEpoch, gateEpoch }, timeout);
  };
  const reopen = async (...args: Parameters<typeof reopening>) => {
    const stream = reopening(...args);
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
      return (await reopen((await create({ ...fields, stock })).id, 0)).sale as Sale;
    },
    get: async (saleId: string) => (await send((client) => client.getSale, { saleId })).sale as Sale,
    list: async () => (await send((client) => client.listSales, {})).sales,
    update: async (
      saleId: string,
      change: {
        addStock?: number;
        closed?: boolean;
        opensAtMs?: number;
        closesAtMs?: number;
        expectedRevision?: number;
      },
    ) => (await send((client) => client.updateSale, { saleId, addStock: 0, ...change })).sale as Sale,
    reserve: async (items: ReserveItem[]) =>
      (await send((client) => client.reserve, { items })).outcomes.map(({ state, reason }) => reason || word(state)),
    confirm: async (orderIds: string[]) =>
      (await send((client) => client.confirm, { orderIds })).outcomes.map(({ state }) => word(state)),
    release: async (items: ReserveItem[]) =>
      (await send((client) => client.release, { items })).outcomes.map(({ state }) => word(state)),
  };
}

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
