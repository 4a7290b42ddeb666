// What the gateway does again and again: sales and their gates, tickets left, orders that are due.
import type { Log } from '@flashsale/runtime/log';
import { startLoop } from '@flashsale/runtime/loop';
import type { Config } from './config.ts';

const REFRESH_SOON_MS = 100;
/** A sale with units again must be open on every gateway within a second. */
const TICKETS_MS = 300;

export interface Jobs {
  refreshSales(): Promise<void>;
  refreshTickets(): Promise<void>;
  sweep(): Promise<void>;
}

export function startBackgroundJobs({ REFRESH_MS }: Pick<Config, 'REFRESH_MS'>, jobs: Jobs, log: Log) {
  const loops = {
    sales: startLoop({ name: 'sales', everyMs: REFRESH_MS, log, run: jobs.refreshSales }),
    tickets: startLoop({ name: 'tickets', everyMs: TICKETS_MS, log, run: jobs.refreshTickets }),
    sweep: startLoop({ name: 'sweep', everyMs: REFRESH_MS, log, run: jobs.sweep }),
  };
  return {
    /** Refreshes the sales now, not only with the next round. */
    refreshSoon: atMostEvery(REFRESH_SOON_MS, loops.sales.kick),
    async stop() {
      await Promise.all(Object.values(loops).map((loop) => loop.stop()));
    },
  };
}

/** A crowd before an unavailable gate asks for the next round with every click. */
export function atMostEvery(ms: number, act: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - last < ms) return;
    last = performance.now();
    act();
  };
}
