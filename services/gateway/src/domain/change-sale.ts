// Closing, topping up and moving a sale: inventory first, then its gate.
import { problemsOf, type SaleChange, type SaleProblem } from '@flashsale/contracts/sale';
import type { Catalogue } from './catalogue.ts';
import type { Gate, Inventory } from './ports.ts';
import type { Sale } from './sale.ts';

export type ChangeOutcome =
  | { kind: 'done'; sale: Sale }
  | { kind: 'changed-meanwhile'; sale: Sale }
  | { kind: 'impossible'; problem: SaleProblem }
  | { kind: 'no-such-sale' };

export interface ChangePorts {
  gate: Gate;
  inventory: Inventory;
  catalogue: Catalogue;
  warn: (saleId: string, error: unknown) => void;
}

/** Absolute values: sending them again, or late, changes nothing more. */
export async function changeSale(saleId: string, change: SaleChange, ports: ChangePorts): Promise<ChangeOutcome> {
  for (;;) {
    const sale = await ports.inventory.getSale(saleId);
    if (!sale) return { kind: 'no-such-sale' };
    const changed = withChange(sale, change);
    if (isSame(sale, changed)) return { kind: 'done', sale };
    if ((change.revision ?? sale.revision) !== sale.revision) return { kind: 'changed-meanwhile', sale };
    const problem = problemOf(sale, changed);
    if (problem) return { kind: 'impossible', problem };
    const stored = await ports.inventory.changeSale(sale, changed);
    if (stored) return { kind: 'done', sale: await toTheGate(stored, ports) };
    // Another change came first, so that one made progress: this one is compared with the sale as it is now.
  }
}

const withChange = (sale: Sale, { stock, closed, opensAtMs, closesAtMs }: SaleChange): Sale => ({
  ...sale,
  stock: stock ?? sale.stock,
  closed: closed ?? sale.closed,
  opensAtMs: opensAtMs ?? sale.opensAtMs,
  closesAtMs: closesAtMs ?? sale.closesAtMs,
});

const CHANGEABLE = ['stock', 'closed', 'opensAtMs', 'closesAtMs'] as const;
const isSame = (a: Sale, b: Sale) => CHANGEABLE.every((field) => a[field] === b[field]);

function problemOf(sale: Sale, changed: Sale): SaleProblem | undefined {
  if (changed.stock < sale.stock) return { field: 'stock', message: `only grows: it is ${sale.stock}` };
  return problemsOf(changed)[0];
}

/** If it fails, the next refresh of any gateway brings the gate the same values. */
async function toTheGate(sale: Sale, { gate, catalogue, warn }: ChangePorts): Promise<Sale> {
  catalogue.learn([sale]);
  await gate.change(sale).catch((error) => warn(sale.id, error));
  return sale;
}
