// What is known of the queue of placed orders: whether it is empty, and how far the workers have come.
import { setTimeout as sleep } from 'node:timers/promises';
import { mintedAt } from '@flashsale/contracts/fields';
import type { OrderEvent } from '@flashsale/contracts/messages';
import type { OrderQueue } from './ports.ts';

/** Workers are many and messages are retried, so a row may overtake its neighbours, but not by so much. */
const PASSED_BY_MS = 60_000;

const APART_MS = 1_000;

interface Placed {
  orderId: string;
  saleId: string;
}

export interface QueueProgress {
  /** An order that has a row, because a worker read its message. */
  hasRow(order: Placed & Pick<OrderEvent, 'reason'>): void;
  /** An order of that sale that was minted much later has a row: a message of this one is not in the queue any more. */
  hasPassed(order: Placed): boolean;
  /** Forgets all other sales. */
  keep(saleIds: string[]): void;
}

export function createQueueProgress(): QueueProgress {
  const newest = new Map<string, number>();

  return {
    hasRow({ orderId, saleId, reason }) {
      // An order that was given up has a row without having been in the queue.
      if (reason === 'given_up') return;
      newest.set(saleId, Math.max(newest.get(saleId) ?? 0, mintedAt(orderId) ?? 0));
    },
    hasPassed({ orderId, saleId }) {
      const minted = mintedAt(orderId);
      return minted !== undefined && (newest.get(saleId) ?? 0) >= minted + PASSED_BY_MS;
    },
    keep(saleIds) {
      const kept = new Set(saleIds);
      for (const saleId of newest.keys()) if (!kept.has(saleId)) newest.delete(saleId);
    },
  };
}

/**
 * Checked twice, because an order may be between two retry steps. False also when the broker does not respond; rejects
 * only when the signal is given.
 */
export async function isEmptyTwice({ waiting }: Pick<OrderQueue, 'waiting'>, signal?: AbortSignal): Promise<boolean> {
  const isEmpty = () =>
    waiting().then(
      (count) => count === 0,
      () => false,
    );
  if (!(await isEmpty())) return false;
  await sleep(APART_MS, undefined, { ...(signal && { signal }) });
  return isEmpty();
}
