// Inventory as the gateway reads it: what a newer contract may mean is not guessed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { InventoryServiceService, type Sale as WireSale } from '@flashsale/contracts/inventory';
import { inventoryProto, protoFolder } from '@flashsale/contracts/proto';
import { startRpcServer } from '@flashsale/rpc/server';
import { createLog } from '@flashsale/runtime/log';
import { createRegistry } from '@flashsale/runtime/ops';
import type { Config } from '../src/config.ts';
import { createInventory } from '../src/outbound/inventory.ts';

const good: WireSale = {
  saleId: '0199aaaa-0000-7000-8000-000000000001',
  sku: 'sku-1',
  title: 'A sale',
  price: { amountMinor: 1_000, currency: 'EUR' },
  initial: 5,
  available: 5,
  held: 0,
  sold: 0,
  opensAtMs: 1,
  closesAtMs: 2,
  perBuyerLimit: 1,
  mode: 'direct',
  checkout: 'instant',
  holdSeconds: 0,
  decideWithinSeconds: 600,
  closed: false,
  epoch: 1,
  revision: 1,
};

let answered = good;
const server = await startRpcServer({
  host: '127.0.0.1',
  port: 0,
  service: InventoryServiceService,
  handlers: { getSale: async () => ({ sale: answered }), listSales: async () => ({ sales: [good, answered] }) },
  protoFolder,
  protoFile: inventoryProto,
  log: { error: () => undefined },
  registry: createRegistry('inventory'),
});
const config = { INVENTORY_ADDRESS: `127.0.0.1:${server.port}`, RPC_DEADLINE_MS: 10_000 };
const inventory = createInventory(config as Config, createLog('test', 'silent'));
after(async () => {
  inventory.stop();
  await server.stop();
});

test('a sale is read as it is', async () => {
  answered = good;
  const { mode, checkout, price } = (await inventory.getSale(good.saleId)) ?? {};
  assert.deepEqual([mode, checkout, price], ['direct', 'instant', good.price]);
});

const { price: _, ...free } = good;
const strange: Record<string, WireSale> = {
  'of an unknown mode': { ...good, mode: 'raffle' },
  'of an unknown checkout': { ...good, checkout: 'later' },
  'without a price': free as WireSale,
};
for (const [what, sale] of Object.entries(strange))
  test(`a sale ${what} is refused, not taken for another`, async () => {
    answered = sale;
    await assert.rejects(inventory.getSale(sale.saleId), /means nothing here/);
    const sales = await inventory.listSales();
    assert.deepEqual(
      sales.map(({ mode }) => mode),
      ['direct'],
      'the others are there',
    );
  });
