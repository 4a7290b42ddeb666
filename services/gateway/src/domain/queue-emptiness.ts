// Whether the queue of placed orders is empty: said only after two looks, for one may fall between two retry steps.
import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderQueue } from './ports.ts';

const APART_MS = 1_000;

/** False also when the broker cannot be asked; rejects only when the signal is given. */
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
