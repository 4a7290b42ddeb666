// Everybody around orders, real: inventory, payment, bank and broker in a namespace of a test's own; and their truth.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintId } from '@flashsale/contracts/ids';
import { InventoryServiceClient } from '@flashsale/contracts/inventory';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { PaymentServiceClient } from '@flashsale/contracts/payment';
import { call, connectTo } from '@flashsale/rpc/client';
import pg from 'pg';
import { createBank } from '../../../infra/clients/bank.ts';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { startService } from '../../../infra/testbed/services.ts';
import { openBroker } from './broker.ts';

const API_KEY = 'a-bank-api-key-for-tests-only-0123456789';
const silent = { LOG_LEVEL: 'silent' };
const patient = { deadlineMs: 30_000 };

export type Town = Awaited<ReturnType<typeof openTown>>;
export interface Sale {
  saleId: string;
  epoch: number;
}

export async function openTown() {
  const namespace = await openNamespace();
  const folder = mkdtempSync(join(tmpdir(), 'flashsale-bank-'));
  const { inventory: inventoryUrl, payment: paymentUrl, orders: ordersUrl } = namespace.databases;
  const key = { BANK_API_KEY: API_KEY };
  const bankEnv = { ...silent, ...key, HTTP_PORT: '0', STORE_FILE: join(folder, 'statement.jsonl') };
  const bank = await startService.bank(bankEnv);
  const grpc = { ...silent, GRPC_PORT: '0' };
  const inventory = await startService.inventory({ ...grpc, DATABASE_URL: inventoryUrl });
  const payment = await startService.payment({ ...grpc, ...key, DATABASE_URL: paymentUrl, BANK_URL: bank.url });
  const sales = connectTo(InventoryServiceClient, inventory.address, { retries: 'never' });
  const charges = connectTo(PaymentServiceClient, payment.address, { retries: 'never' });
  const knobs = createBank(bank.url, API_KEY);
  const broker = await openBroker(namespace.amqpUrl);
  const databases = { orders: openPool(ordersUrl), inventory: openPool(inventoryUrl) };

  return {
    namespace,
    addresses: { inventory: inventory.address, payment: payment.address },
    broker,
    bank: knobs,
    databases,

    /** With its first gate open, so in epoch 1. */
    async openSale(initial = 10): Promise<Sale> {
      const { sale } = await call(sales, sales.createSale, { sale: aSale(initial) }, patient);
      const saleId = String(sale?.saleId);
      await call(sales, sales.reopen, { saleId, expectedEpoch: 0 }, patient);
      return { saleId, epoch: 1 };
    },
    /** The time by which the order had to be decided is now. */
    timeIsUp: (orderId: string) =>
      databases.orders.query('UPDATE orders SET decide_by = now() WHERE id = $1', [orderId]),

    reopen: (sale: Sale) => call(sales, sales.reopen, { saleId: sale.saleId, expectedEpoch: sale.epoch }, patient),

    /** Its charge is asked for, and declined, before any worker asks. */
    async decline({ orderId }: OrderCommand) {
      await knobs.change({ declineRate: 1 });
      const items = [{ orderId, amountMinor: 1_000, currency: 'EUR' }];
      await call(charges, charges.charge, { items }, patient);
      await knobs.change({ declineRate: 0 });
    },

    async close() {
      sales.close();
      charges.close();
      await broker.close();
      await Promise.all([inventory.stop(), payment.stop(), bank.stop()]);
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

const aSale = (initial: number) => ({
  saleId: randomUUID(),
  sku: 'sku-1',
  title: 'A test sale',
  price: { amountMinor: 1_000, currency: 'EUR' },
  initial,
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

/** What a gate would have let in. */
export const anOrder = (sale: Sale, fields: Partial<OrderCommand> = {}): OrderCommand => ({
  orderId: mintId(),
  saleId: sale.saleId,
  buyerId: `buyer-${randomUUID()}`,
  quantity: 1,
  epoch: sale.epoch,
  decideByMs: Date.now() + 600_000,
  ...fields,
});
