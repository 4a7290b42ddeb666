// The use cases of the gateway, each with the ports that it needs.
import { mintId } from '@flashsale/contracts/fields';
import type { OrderEvent } from '@flashsale/contracts/messages';
import type { SaleChange } from '@flashsale/contracts/sale';
import type { Log } from '@flashsale/runtime/log';
import { asFirst, asStep } from '@flashsale/runtime/steps';
import type { Config } from './config.ts';
import { createApplyResult, createOrderUpdates } from './domain/apply-result.ts';
import { cancelConfirmed, cancelOrder } from './domain/cancel-order.ts';
import { type Catalogue, createCatalogue } from './domain/catalogue.ts';
import { changeSale } from './domain/change-sale.ts';
import { followOrder } from './domain/follow-order.ts';
import { createBreaker, createConcurrencyLimit, refuseEarly } from './domain/limits.ts';
import { findOrder, type OrderRef, viewOf } from './domain/order-view.ts';
import { payOrder } from './domain/pay-order.ts';
import { type Click, type PlacePorts, placeOrder } from './domain/place-order.ts';
import { type PlaceOutcome, type Refusal, resultOf } from './domain/place-outcome.ts';
import type { Clock, Gate, Inventory, OrderQueue, Orders, OrderView, OrderViews } from './domain/ports.ts';
import { createQueueProgress, createWaitingEstimate, type WaitingEstimate } from './domain/queue-progress.ts';
import { createRepeatOrder } from './domain/repeat-order.ts';
import type { Sale } from './domain/sale.ts';
import { createSweep } from './domain/sweep.ts';
import { createTotals } from './domain/totals.ts';
import { createWatch, type ShutReason } from './domain/watch-sales.ts';
import type { EarlyReason, Metrics } from './metrics.ts';

export interface Ports {
  gate: Gate;
  clock: Clock;
  views: OrderViews;
  queue: OrderQueue;
  orders: Orders;
  inventory: Inventory;
}

export type UseCases = ReturnType<typeof createUseCases>;

export function createUseCases(config: Config, ports: Ports, log: Log, metrics: Metrics) {
  const directDeadlineMs = config.DIRECT_DEADLINE_MS;
  const respondsWithinMs = { queued: config.CONFIRM_TIMEOUT_MS, direct: directDeadlineMs };
  const warn: Warn =
    (message, about = 'saleId') =>
    (id, error) =>
      log.warn({ [about]: id, error: String(error) }, message);
  const catalogue = createCatalogue(ports.inventory);
  const estimate = createWaitingEstimate();
  const updates = createOrderUpdates();
  const limits = {
    admitting: createConcurrencyLimit(config.MAX_ADMITTING),
    direct: createConcurrencyLimit(config.DIRECT_MAX_IN_FLIGHT),
  };
  const breakers = { redis: createBreaker(), queued: createBreaker(), direct: createBreaker() };
  const shared = { ...ports, catalogue, sales: catalogue.all, estimate, limits, breakers, respondsWithinMs };

  const placing: PlacePorts = {
    ...shared,
    repeatOrder: createRepeatOrder(shared),
    mintId,
    dueInMs: { queued: config.UNSENT_DUE_MS, direct: 2 * directDeadlineMs },
    warn: warn('not marked as sent, or not shown', 'orderId'),
  };
  const find = (ref: OrderRef) => findOrder(ref, shared);
  const ending = { ...shared, findOrder: find, warn: warn('not shown', 'orderId') };
  const changing = { ...shared, warn: warn('gate not changed, again soon') };

  return {
    catalogue,
    refuseEarly: counted(metrics, (sale) => refuseEarly(sale, placing)),
    placeOrder: measured(
      metrics,
      asFirst('click', (sale, click) => placeOrder(sale, click, placing)),
    ),
    resultOf: (order: OrderView, sale: Sale) => resultOf(order, sale, ports.gate),
    findOrder: find,
    followOrder: (ref: OrderRef, signal: AbortSignal) =>
      followOrder(ref, { updates, views: ports.views, find: () => find(ref), signal }),
    payOrder: (ref: OrderRef) => payOrder(ref, ending),
    cancelOrder: (ref: OrderRef) => cancelOrder(ref, ending),
    cancelConfirmed: (orderId: string) => cancelConfirmed(orderId, ending),
    changeSale: (saleId: string, change: SaleChange) => changeSale(saleId, change, changing),
    /** For the requests that wait for an order at this gateway. */
    receiveUpdate(event: OrderEvent) {
      estimate.count(event);
      updates.publish(viewOf(event));
    },
    /** For the gauges. */
    directInFlight: limits.direct.inside,
    ...createGateUseCases(config, { ...shared, directDeadlineMs }, warn, metrics),
  };
}

type Place = (sale: Sale, click: Click) => Promise<PlaceOutcome>;

const measured =
  ({ placed, seconds }: Metrics, place: Place): Place =>
  async (sale, click) => {
    const began = performance.now();
    const outcome = await place(sale, click);
    placed.inc({ mode: sale.mode, outcome: outcome.kind });
    seconds.observe({ mode: sale.mode, outcome: outcome.kind }, (performance.now() - began) / 1_000);
    return outcome;
  };

const counted =
  ({ refusedEarly }: Metrics, refuse: (sale: Sale) => Refusal | undefined): typeof refuse =>
  (sale) => {
    const refusal = refuse(sale);
    if (refusal) refusedEarly.inc({ mode: sale.mode, reason: reasonOf(refusal) });
    return refusal;
  };

const reasonOf = (refusal: Refusal): EarlyReason =>
  refusal.kind === 'busy' && refusal.waitMs !== undefined ? 'queue-too-long' : refusal.kind;

type Warn = (message: string, about?: 'orderId' | 'saleId') => (id: string, error: unknown) => void;

type GatePorts = Ports & { catalogue: Catalogue; estimate: WaitingEstimate; directDeadlineMs: number };

/** Those that no buyer starts. */
function createGateUseCases(config: Config, ports: GatePorts, warn: Warn, metrics: Metrics) {
  const progress = createQueueProgress();
  const totals = createTotals(ports.clock);
  const shut = async (saleId: string, epoch: number, reason: ShutReason) => {
    await ports.gate.shut(saleId, epoch);
    metrics.shut.inc({ reason });
  };
  const applyResult = asStep('apply result', ({ orderId }) => orderId, createApplyResult({ ...ports, progress, shut }));
  const sweepSales = createSweep({
    ...{ ...ports, progress, applyResult },
    swept: (records) => metrics.swept.inc(records),
    damaged(saleId, records) {
      metrics.damaged.inc(records);
      warn('damaged records set aside')(saleId, `${records} of them`);
    },
    warn: warn('not swept, again soon', 'orderId'),
    warnOfSale: warn('not swept, again soon'),
  });
  const watch = createWatch({
    ...{ ...ports, seeWaiting: ports.estimate.see, seeGates: totals.see, shut },
    ...{ courtesyMs: config.REBUILD_COURTESY_MS, atRestMs: config.AT_REST_MS },
    rebuilt: (_saleId, reason) => metrics.rebuilt.inc({ reason }),
    rebuildFailed(saleId, error) {
      metrics.notRebuilt.inc();
      warn('gate not rebuilt, again soon')(saleId, error);
    },
    warn: warn('gate not changed, shut or expired, again soon'),
  });
  return {
    ...watch,
    async applyResult(event: OrderEvent) {
      await applyResult(event, event.epoch);
      const lagMs = lagOf(event);
      if (lagMs !== undefined) metrics.resultLag.observe(lagMs / 1_000);
    },
    sweep: () => sweepSales(ports.catalogue.pending()),
    totals: totals.of,
  };
}

/** Undefined before the decision, and for a refund that is done some time after it. The clocks differ a little. */
const lagOf = ({ decidedAtMs, refund }: OrderEvent) =>
  decidedAtMs === null || refund === 'done' ? undefined : Math.max(0, Date.now() - decidedAtMs);
