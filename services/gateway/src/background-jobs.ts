// The jobs that no caller starts: sales and their gates, available tickets, orders that are due.
import type { Log } from '@flashsale/runtime/log';
import { startLoop } from '@flashsale/runtime/loop';
import type { Registry } from '@prometheus-io/client';
import type { Config } from './config.ts';
import type { UseCases } from './use-cases.ts';

/** A sale with units again must be open on every gateway within a second. */
const TICKETS_MS = 300;

export function startBackgroundJobs({ REFRESH_MS: everyMs }: Config, useCases: UseCases, log: Log, registry: Registry) {
  const sales = startLoop({ name: 'sales', everyMs, log, registry, run: useCases.refreshSales });
  useCases.catalogue.onRefreshRequested(sales.kick);
  const loops = [
    sales,
    startLoop({ name: 'tickets', everyMs: TICKETS_MS, log, registry, run: useCases.refreshTickets }),
    startLoop({ name: 'sweep', everyMs, log, registry, run: useCases.sweep }),
  ];
  return { stop: () => Promise.all(loops.map((loop) => loop.stop())) };
}
