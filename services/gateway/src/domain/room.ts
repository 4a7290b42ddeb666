// Whether this gateway has room for an order, and what the order occupies until its click has a response.
import type { Catalogue } from './catalogue.ts';
import type { Breaker, ConcurrencyLimit, Pass } from './limits.ts';
import type { Refusal } from './place-outcome.ts';
import type { Clock, OrderQueue, Orders } from './ports.ts';
import type { Sale } from './sale.ts';
import type { WaitingEstimate } from './waiting-estimate.ts';

/** A gateway's knowledge of a sale's window may be that old. */
const WINDOW_MARGIN_MS = 1_000;

export interface RoomPorts {
  clock: Clock;
  queue: Pick<OrderQueue, 'available'>;
  orders: Pick<Orders, 'available'>;
  catalogue: Pick<Catalogue, 'soldOut'>;
  estimate: Pick<WaitingEstimate, 'tooLong'>;
  limits: { admitting: ConcurrencyLimit; direct: ConcurrencyLimit };
  breakers: { redis: Breaker; queued: Breaker; direct: Breaker };
}

/** Spares authentication and the gate what the gate would refuse; `placeOrder` checks the room again. */
export function refuseEarly(sale: Sale, ports: RoomPorts): Refusal | undefined {
  const now = ports.clock.nowMs();
  if (sale.closed) return { kind: 'closed' };
  if (now !== undefined && now > sale.closesAtMs + WINDOW_MARGIN_MS) return { kind: 'closed' };
  if (now !== undefined && now < sale.opensAtMs - WINDOW_MARGIN_MS) return { kind: 'not-open' };
  if (ports.catalogue.soldOut(sale.id)) return { kind: 'sold-out' };
  return refuseBusy(sale, ports);
}

/** Held from before the admission until the click has its response. */
export interface Room {
  redis: Pass;
  path: Pass;
  admitted(): void;
  leave(): void;
}

export function refuseBusy(sale: Sale, ports: RoomPorts): Refusal | undefined {
  const { queue, orders, limits, breakers, clock, estimate } = ports;
  const reachable = sale.mode === 'direct' ? orders.available() && !limits.direct.full() : queue.available();
  const responding = breakers.redis.closed() && breakers[sale.mode].closed() && clock.nowMs() !== undefined;
  if (!reachable || !responding || limits.admitting.full()) return { kind: 'busy' };
  const waitMs = sale.mode === 'queued' ? estimate.tooLong(sale) : undefined;
  return waitMs === undefined ? undefined : { kind: 'busy', waitMs };
}

/** All of it or nothing; `refuseBusy` was called in the same tick. */
export function takeRoom({ mode }: Sale, { limits, breakers }: RoomPorts): Room | undefined {
  const redis = breakers.redis.enter();
  const path = redis && breakers[mode].enter();
  if (!path) return void redis?.leave();
  limits.admitting.enter();
  if (mode === 'direct') limits.direct.enter();
  return {
    redis,
    path,
    admitted: limits.admitting.leave,
    leave() {
      redis.leave();
      path.leave();
      if (mode === 'direct') limits.direct.leave();
    },
  };
}
