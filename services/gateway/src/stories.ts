// What the gateway does, each story with the ports that it needs.
import type { OrderEvent } from '@flashsale/contracts/messages';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from './config.ts';
import { createCap } from './domain/cap.ts';
import type { Catalogue } from './domain/catalogue.ts';
import { changeSale, type SaleChange } from './domain/change-sale.ts';
import { type Asked, findOrder } from './domain/find-order.ts';
import { followOrder } from './domain/follow-order.ts';
import { createNews } from './domain/news.ts';
import { viewOf } from './domain/order-view.ts';
import { createPace } from './domain/pace.ts';
import { type Click, type PlacePorts, placeOrder, refuseEarly } from './domain/place-order.ts';
import type { Gate, Inventory, OrderQueue, Orders, OrderViews } from './domain/ports.ts';
import type { Sale } from './domain/sale.ts';
import { createSettle } from './domain/settle.ts';
import { sweep } from './domain/sweep.ts';
import { createWatch } from './domain/watch-sales.ts';

export interface World {
  gate: Gate;
  views: OrderViews;
  queue: OrderQueue;
  orders: Orders;
  inventory: Inventory;
  catalogue: Catalogue;
}

export type Stories = ReturnType<typeof createStories>;

/** `lookAgain`: has the sales looked at now, not only in a while. */
export function createStories(config: Config, world: World, log: Log, lookAgain: () => void) {
  const { gate, views, catalogue } = world;
  const directDeadlineMs = config.DIRECT_DEADLINE_MS;
  const news = createNews();
  const pace = createPace();
  const settle = createSettle({ gate, views });
  const warn = (message: string) => (id: string, error: unknown) => log.warn({ id, error: String(error) }, message);
  const placing: PlacePorts = {
    ...world,
    cap: createCap(config.DIRECT_MAX_IN_FLIGHT),
    dueInMs: { queued: config.UNSENT_DUE_MS, direct: 2 * directDeadlineMs },
    answersWithinMs: { queued: config.CONFIRM_TIMEOUT_MS, direct: directDeadlineMs },
    lookAgain,
    warn: warn('not marked as sent'),
  };
  const find = (asked: Asked) => findOrder(asked, { ...world, pace });

  return {
    refuseEarly: (sale: Sale) => refuseEarly(sale, placing),
    place: (sale: Sale, click: Click) => placeOrder(sale, click, placing),
    findOrder: find,
    follow: (asked: Asked, signal: AbortSignal) => followOrder(asked, { news, views, find: () => find(asked), signal }),
    changeSale: (saleId: string, change: SaleChange) =>
      changeSale(saleId, change, { ...world, warn: warn('gate not changed, again soon') }),
    /** Knows the sales, and opens their gates. */
    ...createWatch({ ...world, directDeadlineMs, warn: warn('gate not opened, again soon') }),
    /** Answers how many orders were due. */
    async sweep(): Promise<number> {
      const swept = catalogue.all().map((sale) => sweep(sale, { ...world, settle, directDeadlineMs }));
      return (await Promise.all(swept)).reduce((sum, due) => sum + due, 0);
    },
    settle: (event: OrderEvent) => settle(event, event.epoch),
    /** A result, for whoever waits for it here. */
    hear(event: OrderEvent) {
      pace.count(event.saleId);
      news.tell(viewOf(event));
    },
  };
}
