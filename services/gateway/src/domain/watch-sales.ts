// Every second: learn the sales, bring each gate to its sale's revision, open those that are missing or not to be trusted.
import type { Catalogue } from './catalogue.ts';
import { mustOpen, openGate } from './open-gate.ts';
import type { Gate, Inventory, OrderQueue } from './ports.ts';
import type { Sale } from './sale.ts';

export interface WatchPorts {
  gate: Gate;
  inventory: Inventory;
  queue: OrderQueue;
  catalogue: Catalogue;
  directDeadlineMs: number;
  warn: (saleId: string, error: unknown) => void;
}

export function createWatch(ports: WatchPorts) {
  const openings = new Map<string, Promise<void>>();

  /** One at a time for each sale; whoever comes to one that is at work waits for it. */
  function open(sale: Sale): Promise<void> {
    const opening = openings.get(sale.id) ?? openAndLearn(sale).finally(() => openings.delete(sale.id));
    openings.set(sale.id, opening);
    return opening;
  }

  async function openAndLearn(sale: Sale) {
    try {
      await openGate(sale, ports);
      const opened = await ports.inventory.getSale(sale.id);
      if (opened) ports.catalogue.learn([opened]);
    } catch (error) {
      ports.warn(sale.id, error);
    }
  }

  return {
    /** Opens its gate at once, so that whoever made the sale need not wait for the next round. */
    async createSale(sale: Sale): Promise<Sale> {
      const created = await ports.inventory.createSale(sale);
      ports.catalogue.learn([created]);
      await open(created);
      return (await ports.catalogue.find(created.id)) ?? created;
    },
    /** One round. Openings go on beside it, since one may wait for its line to end. */
    async look(): Promise<void> {
      const sales = await ports.inventory.listSales();
      ports.catalogue.learn(sales);
      const states = await ports.gate.read(sales.map((sale) => sale.id));
      for (const [index, sale] of sales.entries()) {
        const state = states[index];
        if (mustOpen(sale, state)) void open(sale);
        else if (state && state.revision < sale.revision) await ports.gate.change(sale);
      }
    },
    /** Looked at more often than the rest, so that a sale that has units again is open again within a second. */
    async lookAtTickets(): Promise<void> {
      const sales = ports.catalogue.all();
      const left = await ports.gate.remaining(sales.map((sale) => sale.id));
      // A gate that cannot be read or is being rebuilt is not sold out, it is busy.
      for (const [index, sale] of sales.entries()) ports.catalogue.seeTickets(sale.id, left[index] ?? 1);
    },
  };
}
