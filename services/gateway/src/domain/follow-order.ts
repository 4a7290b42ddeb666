// The course of an order, as it becomes known, until it is over or the reader has gone.
import type { OrderUpdates } from './apply-result.ts';
import { isFinal } from './order-view.ts';
import type { OrderView, OrderViews } from './ports.ts';

/** Updates may be lost, so every reader polls as well: as often as a polite client would. */
const POLL_EVERY_MS = 1_000;
const POLL_RARELY_EVERY_MS = 5_000;
const OFTEN_FOR_MS = 30_000;

export interface FollowPorts<View> {
  updates: OrderUpdates;
  views: OrderViews;
  /** Undefined for an order that is not this buyer's; rejects while it cannot be known. */
  find: () => Promise<View | undefined>;
  signal: AbortSignal;
}

export async function* followOrder<View extends OrderView>(
  { orderId, buyerId }: { orderId: string; buyerId: string },
  { updates, views, find, signal }: FollowPorts<View>,
): AsyncGenerator<View | OrderView, void> {
  const subscription = updates.subscribe(orderId, buyerId);
  const rarelyFrom = performance.now() + OFTEN_FOR_MS;
  let newest = -1;
  try {
    while (!signal.aborted) {
      const update = subscription.take();
      // Shown before it is sent: the client's next request, at whatever gateway, must not find an older status.
      if (update) await views.show(update).catch(() => undefined);
      const view = update ?? (await find().catch(() => 'not known now' as const));
      if (!view) return;
      const known = view !== 'not known now' && view.version >= newest ? view : undefined;
      if (known) {
        newest = known.version;
        yield known;
        if (isOver(known)) return;
      }
      const often = known && known.saleId !== '' && !isFinal(known) && performance.now() < rarelyFrom;
      await subscription.wait(often ? POLL_EVERY_MS : POLL_RARELY_EVERY_MS, signal);
    }
  } finally {
    subscription.end();
  }
}

/** Money that is owed makes the end wait for the refund. */
export const isOver = (view: OrderView) => isFinal(view) && view.refund !== 'owed';

/** The outcome of the first view that has one; undefined when there was none by then. */
export async function untilOutcome<Outcome>(
  following: AsyncIterable<OrderView>,
  outcomeOf: (view: OrderView) => Promise<Outcome | undefined>,
): Promise<Outcome | undefined> {
  for await (const view of following) {
    const outcome = await outcomeOf(view);
    if (outcome) return outcome;
  }
  return undefined;
}
