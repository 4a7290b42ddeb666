// Concurrency limits and circuit breakers, which keep a burst or a silent neighbour from filling this gateway, and the
// room among them that an order occupies until its click has a response.
import type { Catalogue } from './catalogue.ts';
import type { Refusal } from './place-outcome.ts';
import type { Clock, OrderQueue, Orders } from './ports.ts';
import type { WaitingEstimate } from './queue-progress.ts';
import type { Sale } from './sale.ts';

const OPEN_FOR_MS = 1_000;
/** A gateway's knowledge of a sale's window may be that old. */
const WINDOW_MARGIN_MS = 1_000;

/** A bound on how many callers are inside at once. */
export interface ConcurrencyLimit {
  inside(): number;
  full(): boolean;
  /** False when it is full; a caller that got in must leave. */
  enter(): boolean;
  leave(): void;
}

export function createConcurrencyLimit(most: number): ConcurrencyLimit {
  let inside = 0;
  return {
    inside: () => inside,
    full: () => inside >= most,
    enter: () => inside < most && ++inside > 0,
    leave: () => {
      inside -= 1;
    },
  };
}

/** A bound on all callers, and one on those of the same key. */
export interface LimitPerKey {
  /** All keys together. */
  inside(): number;
  enter(key: string): boolean;
  leave(key: string): void;
}

export function createLimitPerKey(most: number, mostOfEach: number): LimitPerKey {
  const all = createConcurrencyLimit(most);
  const inside = new Map<string, number>();
  return {
    inside: all.inside,
    enter(key) {
      const count = inside.get(key) ?? 0;
      if (count >= mostOfEach || !all.enter()) return false;
      inside.set(key, count + 1);
      return true;
    },
    leave(key) {
      const count = (inside.get(key) ?? 1) - 1;
      if (count > 0) inside.set(key, count);
      else inside.delete(key);
      all.leave();
    },
  };
}

/** A circuit breaker for a neighbour that accepts calls and responds to none: orders are refused before they are admitted. */
export interface Breaker {
  /** False while the neighbour is known to be silent. */
  closed(): boolean;
  /** Undefined while it is open. After a second one caller gets in as the probe, and the others wait for its outcome. */
  enter(): Pass | undefined;
}

export interface Pass {
  /** False: the call timed out. One slow call is no silence: others may have got a response meanwhile. */
  note(responded: boolean): void;
  leave(): void;
}

export function createBreaker(now = () => performance.now()): Breaker {
  let respondedAt = Number.NEGATIVE_INFINITY;
  let trippedAt: number | undefined;
  let probing = false;
  const closed = () => trippedAt === undefined || (!probing && now() - trippedAt >= OPEN_FOR_MS);

  return {
    closed,
    enter() {
      if (!closed()) return undefined;
      const since = now();
      const isProbe = trippedAt !== undefined;
      if (isProbe) probing = true;
      return {
        note(responded) {
          if (responded) {
            respondedAt = now();
            trippedAt = undefined;
          } else if (respondedAt < since) trippedAt = now();
        },
        leave() {
          if (isProbe) probing = false;
        },
      };
    },
  };
}

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
