// One reading of all stores, in the order that makes each line of the audit exact while orders move.
import type { Statement } from '../clients/bank.ts';
import { findGates, type Gate, readGate } from './gate.ts';
import { findSales, type Inventory, readInventory } from './inventory.ts';
import { type Orders, readOrders } from './orders.ts';
import { type Charge, readCharges } from './payment.ts';
import { connect, from, type Stores } from './stores.ts';

export interface Reading {
  gatesBefore: Map<string, Gate>;
  orders: Orders;
  inventory: Inventory;
  gates: Map<string, Gate>;
  charges: Map<string, Charge>;
  statement: Statement;
}

/** Gate, inventory, gate; and orders before inventory and payment, and payment before the bank. */
export async function takeReading(stores: Stores): Promise<Reading> {
  if (stores.redis.status === 'wait') await from('Redis', connect(stores.redis));
  const sales = await from('the inventory database', findSales(stores.inventory));
  const saleIds = new Set([...sales, ...(await from('Redis', findGates(stores.redis)))]);
  return {
    gatesBefore: await readGates(stores, saleIds),
    orders: await from('the orders database', readOrders(stores.orders)),
    inventory: await from('the inventory database', readInventory(stores.inventory)),
    gates: await readGates(stores, saleIds),
    charges: await from('the payment database', readCharges(stores.payment)),
    statement: await from('the bank', stores.bank.statement()),
  };
}

async function readGates(stores: Stores, saleIds: Iterable<string>): Promise<Map<string, Gate>> {
  const gates = new Map<string, Gate>();
  for (const saleId of saleIds) gates.set(saleId, await from('Redis', readGate(stores.redis, saleId)));
  return gates;
}
