import type { OrderStatus } from '@flashsale/contracts/fields';
import { choiceOf, type OrderCommand } from '@flashsale/contracts/messages';
import { v7 } from 'uuid';
import { createBreaker, createConcurrencyLimit } from '../src/domain/limits.ts';
import { type PlacePorts, placeOrder } from '../src/domain/place-order.ts';
import type { Admission } from '../src/domain/ports.ts';
import type { Sale } from '../src/domain/sale.ts';
import { aSale } from './gates.ts';

export const NOW = 1_800_000_000_000;

export interface Given {
  now?: number | undefined;
  admission?: Admission['kind'];
  refused?: boolean | Error;
  published?: 'confirmed' | 'returned' | 'unsent' | 'unknown';
  placed?: 'shed' | 'unknown' | OrderStatus;
  reason?: string;
  /** The order that the gate names as the buyer's. */
  live?: string | null;
  available?: boolean;
  most?: number;
  mostAdmitting?: number;
  soldOut?: boolean;
  tooLong?: number;
  known?: string;
  respondsWithinMs?: { queued: number; direct: number };
}

export function portsOf(given: Given, done: string[] = []): PlacePorts & { sent: OrderCommand[]; untils: number[] } {
  const note = <T>(what: string, value: T) => {
    done.push(what);
    return value;
  };
  const sent: OrderCommand[] = [];
  const untils: number[] = [];
  return {
    sent,
    untils,
    gate: {
      admit: async (command: OrderCommand, { untilMs }: { untilMs: number }) => {
        sent.push(command);
        untils.push(untilMs);
        return note('admit', { kind: given.admission ?? 'admitted', orderId: 'other', position: 7, first: 'first' });
      },
      recall: async () => note('recall', given.known ? { orderId: given.known, ...choiceOf({ quantity: 1 }) } : null),
      refuse: async () => {
        const { refused = true } = given;
        if (refused instanceof Error) throw note('refuse', refused);
        return note('refuse', refused);
      },
      orderOf: async () => given.live ?? null,
      markSent: async () => note('markSent', undefined),
    },
    clock: { nowMs: () => ('now' in given ? given.now : NOW) },
    queue: {
      available: () => given.available ?? true,
      publish: async () => note('publish', given.published ?? 'confirmed'),
    },
    orders: {
      available: () => given.available ?? true,
      place: async ({ orderId }: OrderCommand) => {
        const { placed = 'confirmed', reason = null } = given;
        return note('place', placed === 'shed' || placed === 'unknown' ? placed : { orderId, status: placed, reason });
      },
    },
    views: { show: async () => undefined },
    limits: {
      direct: createConcurrencyLimit(given.most ?? 1),
      admitting: createConcurrencyLimit(given.mostAdmitting ?? 1),
    },
    breakers: { redis: createBreaker(), queued: createBreaker(), direct: createBreaker() },
    catalogue: { soldOut: () => given.soldOut ?? false, requestRefresh: () => note('refresh', undefined) },
    estimate: { see: () => undefined, waitMs: () => 70, tooLong: () => given.tooLong },
    repeatOrder: async () => note('repeat', { kind: 'queued', orderId: 'first' }),
    mintId: (msecs: number) => v7({ msecs }),
    respondsWithinMs: given.respondsWithinMs ?? { queued: 5_000, direct: 2_000 },
    dueInMs: { queued: 1, direct: 1 },
    warn: () => undefined,
  } as unknown as PlacePorts & { sent: OrderCommand[]; untils: number[] };
}

export const click = (own: { quantity?: number; idempotencyKey?: string } = {}) => ({
  ...{ buyerId: 'alice', ...choiceOf({ quantity: 1 }), whenGone: () => new AbortController().signal },
  ...own,
});

export async function placing(mode: 'queued' | 'direct', given: Given, own: Partial<Sale> = {}) {
  const done: string[] = [];
  const outcome = await placeOrder(
    aSale(1, { mode, closesAtMs: NOW + 3_600_000, ...own }),
    click(),
    portsOf(given, done),
  );
  return { outcome, done };
}

export async function clicking(mode: 'queued' | 'direct', given: Given): Promise<[string, ...string[]]> {
  const { outcome, done } = await placing(mode, given);
  return [outcome.kind, ...done];
}
