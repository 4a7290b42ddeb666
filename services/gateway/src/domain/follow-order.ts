// What becomes of an order, as it becomes known, until it is final or nobody listens any more.
import type { News } from './news.ts';
import { isFinal, type OrderView } from './order-view.ts';
import type { OrderViews } from './ports.ts';

/** News may be lost, so everybody looks as well: as often as a polite client would ask. */
const LOOK_EVERY_MS = 1_000;
const LOOK_RARELY_EVERY_MS = 5_000;
const OFTEN_FOR_MS = 30_000;

export interface FollowPorts<View> {
  news: News;
  views: OrderViews;
  /** Undefined for an order that is not this buyer's; rejects while nobody can say. */
  find: () => Promise<View | undefined>;
  signal: AbortSignal;
}

export async function* followOrder<View extends OrderView>(
  { orderId, buyerId }: { orderId: string; buyerId: string },
  { news, views, find, signal }: FollowPorts<View>,
): AsyncGenerator<View | OrderView, void> {
  const heard = news.subscribe(orderId, buyerId);
  const rarelyFrom = performance.now() + OFTEN_FOR_MS;
  try {
    while (!signal.aborted) {
      const result = heard.result();
      // Shown before it is told: whoever asks next, at whatever gateway, must not find the order in line again.
      if (result) await views.show(result).catch(() => undefined);
      const view = result ?? (await find().catch(() => 'not known now' as const));
      if (!view) return;
      if (view !== 'not known now') {
        yield view;
        if (isFinal(view)) return;
      }
      // Of an id that nobody knows there is rarely anything new.
      const known = view !== 'not known now' && view.saleId !== '';
      const often = known && performance.now() < rarelyFrom;
      await heard.wait(often ? LOOK_EVERY_MS : LOOK_RARELY_EVERY_MS, signal);
    }
  } finally {
    heard.end();
  }
}

/** Undefined when it has no result by then. */
export async function untilFinal(following: AsyncIterable<OrderView>): Promise<OrderView | undefined> {
  for await (const view of following) if (isFinal(view)) return view;
  return undefined;
}
