// The services around orders, real: inventory, payment, bank and broker, in a namespace of a test's own.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintId } from '@flashsale/contracts/ids';
import { InventoryServiceClient } from '@flashsale/contracts/inventory';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { PaymentServiceClient } from '@flashsale/contracts/payment';
import { call, callStream, connectTo } from '@flashsale/rpc/client';
import pg from 'pg';
import { createBank } from '../../../infra/clients/bank.ts';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { startService } from '../../../infra/testbed/services.ts';
import { openBroker } from './broker.ts';

const API_KEY = 'a-bank-api-key-for-tests-only-0123456789';
const silent = { LOG_LEVEL: 'silent' };
const WITHIN = { deadlineMs: 30_000 };

const drain = async (responses: AsyncIterable<unknown>) => {
  for await (const _ of responses);
};

export type Environment = Awaited<ReturnType<typeof openEnvironment>>;
export interface Sale {
  saleId: string;
  epoch: number;
}

export async function openEnvironment() {
  const namespace = await openNamespace();
  const folder = mkdtempSync(join(tmpdir(), 'flashsale-bank-'));
  const { inventory: inventoryUrl, payment: paymentUrl, orders: ordersUrl } = namespace.databases;
  const key = { BANK_API_KEY: API_KEY };
  const bankEnv = { ...silent, ...key, HTTP_PORT: '0', STORE_FILE: join(folder, 'statement.jsonl') };
  const bankService = await startService.bank(bankEnv);
  const grpc = { ...silent, GRPC_PORT: '0' };
  const inventory = await startService.inventory({ ...grpc, DATABASE_URL: inventoryUrl, REOPEN_DAMPING_MS: '1' });
  const payment = await startService.payment({ ...grpc, ...key, DATABASE_URL: paymentUrl, BANK_URL: bankService.url });
  const sales = connectTo(InventoryServiceClient, inventory.address, { retries: 'never' });
  const charges = connectTo(PaymentServiceClient, payment.address, { retries: 'never' });
  const bank = createBank(bankService.url, API_KEY);
  const broker = await openBroker(namespace.amqpUrl);
  const databases = { orders: openPool(ordersUrl), inventory: openPool(inventoryUrl) };

  /** Raises the epoch, as a second gate would. */
  const reopen = ({ saleId, epoch }: Sale) =>
    drain(callStream(sales, sales.reopen, { saleId, expectedEpoch: epoch, gateEpoch: 0 }, WITHIN));

  return {
    namespace,
    addresses: { inventory: inventory.address, payment: payment.address },
    broker,
    bank,
    databases,

    /** With its first gate open, so in epoch 1. */
    async openSale(stock = 10, fields: object = {}): Promise<Sale> {
      const { sale } = await call(sales, sales.createSale, { sale: { ...aSale(stock), ...fields } }, WITHIN);
      const opened = { saleId: String(sale?.saleId), epoch: 0 };
      await reopen(opened);
      return { ...opened, epoch: 1 };
    },
    reopen,

    /** The deadline of an order, its hold or its payment has just passed. */
    passDeadline: (orderId: string) =>
      databases.orders.query('UPDATE orders SET deadline = now() WHERE id = $1', [orderId]),

    /** Its charge is asked for, and declined, before any worker asks. */
    async decline({ orderId }: { orderId: string }) {
      await bank.change({ declineRate: 1 });
      const items = [{ orderId, amountMinor: 1_000, currency: 'EUR' }];
      await drain(callStream(charges, charges.charge, { items }, WITHIN));
      await bank.change({ declineRate: 0 });
    },

    async close() {
      sales.close();
      charges.close();
      await broker.close();
      await Promise.all([inventory.stop(), payment.stop(), bankService.stop()]);
      await Promise.all(Object.values(databases).map((pool) => pool.end()));
      await namespace.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function openPool(url: string) {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  return pool;
}

const aSale = (stock: number) => ({
  saleId: randomUUID(),
  sku: 'sku-1',
  title: 'A test sale',
  price: { amountMinor: 1_000, currency: 'EUR' },
  stock,
  available: 0,
  held: 0,
  sold: 0,
  opensAtMs: Date.UTC(2026, 0, 1),
  closesAtMs: Date.UTC(2027, 0, 1),
  perBuyerLimit: 5,
  mode: 'queued',
  checkout: 'instant',
  holdSeconds: 0,
  decideWithinSeconds: 600,
  closed: false,
  epoch: 0,
  revision: 0,
});

/** A hold, to be paid within ten minutes. */
export const HOLD = { checkout: 'hold', holdSeconds: 600 };

/** What a gate would have let in. */
export const anOrder = (sale: Sale, fields: Partial<OrderCommand> = {}): OrderCommand => ({
  orderId: mintId(),
  saleId: sale.saleId,
  buyerId: `buyer-${randomUUID()}`,
  quantity: 1,
  epoch: sale.epoch,
  mode: 'queued',
  deadlineMs: Date.now() + 600_000,
  ...fields,
});
