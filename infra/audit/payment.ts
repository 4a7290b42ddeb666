// Payment's charges, and what the bank says of them.
import type pg from 'pg';
import type { Statement } from '../clients/bank.ts';
import { type Check, each } from './check.ts';

export interface Charge {
  orderId: string;
  state: 'requested' | 'captured' | 'declined' | 'voided' | 'reversing' | 'reversed';
}

const CHARGES = 'SELECT order_id AS "orderId", state FROM charges';

export async function readCharges(pool: pg.Pool): Promise<Map<string, Charge>> {
  return byOrder((await pool.query<Charge>(CHARGES)).rows);
}

export async function chargesOf(pool: pg.Pool, orderIds: string[]): Promise<Map<string, Charge>> {
  return byOrder((await pool.query<Charge>(`${CHARGES} WHERE order_id = ANY($1::uuid[])`, [orderIds])).rows);
}

const byOrder = (rows: Charge[]) => new Map(rows.map((row) => [row.orderId, row]));

/** The bank was read after `charges`; what it then lacks counts only if payment still says captured. */
export async function moneyChecks(pool: pg.Pool, charges: Map<string, Charge>, statement: Statement): Promise<Check[]> {
  const kept = new Set(statement.charges.filter((line) => line.status === 'captured').map((line) => line.key));
  const captured = [...charges.values()].filter((charge) => charge.state === 'captured');
  const lacking = captured.filter((charge) => !kept.has(charge.orderId)).map((charge) => charge.orderId);
  const again = lacking.length ? await chargesOf(pool, lacking) : new Map<string, Charge>();
  const holds = ({ orderId }: Charge) => kept.has(orderId) || again.get(orderId)?.state !== 'captured';
  return [each('payment: each captured charge is so at the bank', null, captured, holds, (c) => c.orderId)];
}
