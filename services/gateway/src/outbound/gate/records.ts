// How an admitted order is kept in the gate.
import { isUuid } from '@flashsale/contracts/fields';
import { choiceOf, OrderCommand } from '@flashsale/contracts/messages';
import type { DueRecord, FirstOrder, TakenUnit } from '../../domain/ports.ts';

/** Neither a buyer nor a key has a line break. */
export const keyField = (buyerId: string, idempotencyKey: string) => `${buyerId}\n${idempotencyKey}`;

/** A key from before a field existed stands for its default. */
export function toFirst(text: string): FirstOrder {
  const { orderId, ...choice } = JSON.parse(text);
  return { orderId, ...choiceOf(choice) };
}

/** As text, which Lua passes on unchanged. */
export const firstRecord = (command: OrderCommand) =>
  JSON.stringify({ orderId: command.orderId, ...choiceOf(command) });

/** Of the command only what the record and its keys do not say already; that as text, too. */
export function admittedRecord(command: OrderCommand, key: string | undefined): string {
  const { orderId, saleId, buyerId, quantity, ...rest } = command;
  const record = { state: 'unsent', claimed: false, attempts: 0, quantity, buyerId, command: JSON.stringify(rest) };
  return JSON.stringify({ ...record, ...(key && { key }) });
}

export const restoredRecord = ({ quantity, buyerId }: TakenUnit) =>
  JSON.stringify({ state: 'sent', quantity, buyerId });

/** The record of a damaged one is lost, but not its ticket: it counts as sent until its result is known. */
export function stateIn(text: string): 'unsent' | 'sent' | 'sold' {
  const { state } = fieldsIn(text) as { state?: unknown };
  return state === 'unsent' || state === 'sold' ? state : 'sent';
}

/** Undefined for one whose id or command cannot be read. */
export function toDueRecord(saleId: string, orderId: string, text: string): DueRecord | undefined {
  const { state, buyerId, quantity, command } = JSON.parse(text);
  if (!isUuid(orderId)) return undefined;
  if (command === undefined) return { orderId, state, buyerId, quantity };
  const read = OrderCommand.safeParse({ orderId, saleId, buyerId, quantity, ...fieldsIn(command) });
  return read.success ? { orderId, state, buyerId, quantity, command: read.data } : undefined;
}

function fieldsIn(text: unknown): object {
  try {
    return Object(JSON.parse(String(text)));
  } catch {
    return {};
  }
}
