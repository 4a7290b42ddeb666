// What the stores say, for tests that claim that something happened once, or not at all.
import { createHash } from 'node:crypto';
import { type AuditResult, audit } from '../audit/audit.ts';
import { findGates, readGate } from '../audit/gate.ts';
import { describeShortly } from '../audit/print.ts';
import { openStores, type StoreAddresses } from '../audit/stores.ts';
import { until } from '../until.ts';

/** One buyer's traces, in words: `ticket`, `order confirmed`, `unit sold`, `charge captured`. */
export type Traces = Record<string, string[]>;

export type Evidence = Awaited<ReturnType<typeof openEvidence>>;

const ORDERS = `SELECT id AS "orderId", sale_id AS "saleId", buyer_id AS "buyerId", status, reason, version, epoch
  FROM orders WHERE buyer_id = ANY($1) ORDER BY id`;
const RESERVATIONS = 'SELECT buyer_id AS "buyerId", state FROM reservations WHERE buyer_id = ANY($1) ORDER BY order_id';
const CHARGES = 'SELECT order_id AS "orderId", state FROM charges WHERE order_id = ANY($1::uuid[])';

export interface OrderOf {
  orderId: string;
  saleId: string;
  buyerId: string;
  status: string;
  reason: string | null;
  version: number;
  epoch: number;
}

const digest = (content: string | Buffer) => createHash('sha1').update(content).digest('hex').slice(0, 12);

export async function openEvidence(addresses: StoreAddresses) {
  const stores = openStores(addresses);
  await stores.redis.connect();

  async function ordersOf(...buyerIds: string[]): Promise<OrderOf[]> {
    return (await stores.orders.query<OrderOf>(ORDERS, [buyerIds])).rows;
  }

  return {
    stores,
    ordersOf,
    gate: (saleId: string) => readGate(stores.redis, saleId),

    /** Everything that any store knows of these buyers; `{}` when nothing happened. */
    async tracesOf(...buyerIds: string[]): Promise<Traces> {
      const traces: Traces = {};
      const note = (buyerId: string, what: string) => {
        traces[buyerId] = [...(traces[buyerId] ?? []), what];
      };
      for (const saleId of await findGates(stores.redis)) {
        const { buyers, records } = await readGate(stores.redis, saleId);
        for (const buyerId of buyerIds) if (buyers.has(buyerId)) note(buyerId, 'ticket');
        for (const { buyerId, orderId } of records.values())
          if (buyerIds.includes(buyerId) && buyers.get(buyerId) !== orderId) note(buyerId, 'record without ticket');
      }
      const orders = await ordersOf(...buyerIds);
      for (const { buyerId, status } of orders) note(buyerId, `order ${status}`);
      const { rows: units } = await stores.inventory.query(RESERVATIONS, [buyerIds]);
      for (const { buyerId, state } of units) note(buyerId, `unit ${state}`);
      const { rows: charges } = await stores.payment.query(CHARGES, [orders.map(({ orderId }) => orderId)]);
      for (const { orderId, state } of charges)
        note(orders.find((order) => order.orderId === orderId)?.buyerId as string, `charge ${state}`);
      return traces;
    },

    /** Waits until nothing is pending anywhere; then every line of the audit holds, or this throws those that do not. */
    async atRest(deadlineMs = 30_000): Promise<void> {
      let last: AuditResult | undefined;
      const holds = async () => {
        last = await audit(stores, { atRest: true, patienceMs: 0 });
        return last.ok;
      };
      await until('everything is at rest and the audit holds', holds, deadlineMs).catch((error) => {
        throw new Error([error.message, ...(last ? describeShortly(last) : [])].join('\n'), { cause: error });
      });
    },

    /** Equal before and after something that must have written nothing, anywhere; a difference names its place. */
    async fingerprint(): Promise<Record<string, string>> {
      const keys = (await stores.redis.keys('*')).sort();
      const dumped = keys.map(async (key) => [key, digest((await stores.redis.dumpBuffer(key)) ?? '')]);
      const tables = [
        [stores.orders, 'orders'],
        [stores.orders, 'outbox'],
        [stores.inventory, 'sales'],
        [stores.inventory, 'reservations'],
        [stores.payment, 'charges'],
      ] as const;
      const read = tables.map(async ([store, table]) => {
        const { rows } = await store.query(`SELECT * FROM ${table} ORDER BY 1`);
        return [table, `${rows.length} rows, ${digest(JSON.stringify(rows))}`];
      });
      const { charges } = await stores.bank.statement();
      const all = [...(await Promise.all([...dumped, ...read])), ['bank', `${charges.length} charges`]];
      return Object.fromEntries(all);
    },

    close: () => stores.close(),
  };
}
