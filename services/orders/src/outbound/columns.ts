// Each field of an order: its column and type, and the SQL that writes and reads all of them.
import type { Money } from '@flashsale/contracts/fields';
import type { AdmittedOrder, OrderEvent, PaymentDue } from '@flashsale/contracts/messages';
import type { Order, Placement } from '../domain/order.ts';

type Columns<Field extends string> = Record<Field, [name: string, type: string]>;

const ADMITTED: Columns<keyof AdmittedOrder> = {
  orderId: ['id', 'uuid'],
  saleId: ['sale_id', 'uuid'],
  buyerId: ['buyer_id', 'text'],
  quantity: ['quantity', 'int'],
  epoch: ['epoch', 'int'],
};
const PLACED: Columns<Exclude<keyof Placement, 'decideWithinMs'>> = { ...ADMITTED, mode: ['mode', 'text'] };

const namesIn = <Field extends string>(columns: Columns<Field>) =>
  Object.fromEntries(Object.keys(columns).map((field) => [field, columns[field as Field][0]])) as Record<Field, string>;

export type Given<Item> = ReturnType<typeof given<Item>>;
/** What a statement is given: an array for each column, with one value for each item. */
export function given<Item>(columns: Columns<keyof Item & string>) {
  const fields = Object.keys(columns) as (keyof Item & string)[];
  const arrays = fields.map((field, index) => `$${index + 1}::${columns[field][1]}[]`);
  return {
    sql: `unnest(${arrays.join(', ')}) AS given (${Object.values(namesIn(columns)).join(', ')})`,
    fields,
  };
}

export const PLACEMENTS = given<Placement>({ ...PLACED, decideWithinMs: ['decide_within_ms', 'int'] });
export const PLACED_COLUMNS = Object.values(namesIn(PLACED)).join(', ');

const unixMs = (column: string) => `floor(extract(epoch FROM ${column}) * 1000)::bigint`;
const json = (fields: Record<string, string>) =>
  `jsonb_build_object(${Object.entries(fields).map(([field, sql]) => `'${field}', ${sql}`)})`;

const MONEY: Record<keyof Money, string> = { amountMinor: 'amount_minor', currency: 'currency' };
const amount = `CASE WHEN amount_minor IS NOT NULL THEN ${json(MONEY)} END`;
const DUE: Record<keyof PaymentDue, string> = { orderId: 'id', saleId: 'sale_id', amount };
const EVENT: Record<keyof OrderEvent, string> = {
  ...namesIn(ADMITTED),
  ...{ status: 'status', reason: 'reason', version: 'version', amount, refund: 'refund' },
  ...{ deadlineMs: unixMs('deadline'), decidedAtMs: unixMs('decided_at') },
};
const ROW: Record<keyof Order, string> = {
  ...EVENT,
  ...{ mode: 'mode', payRequested: 'pay_requested', compensationPending: 'compensation_pending' },
};

export const PAYMENT_DUE = json(DUE);
export const ORDER_EVENT = json(EVENT);
export const ORDER_ROW = Object.entries(ROW)
  .map(([field, sql]) => `${sql} AS "${field}"`)
  .join(', ');
