// The queue in front of the bank: one turn at a time, each 1/chargesPerSecond long, first come, first served.

export interface Turn {
  receivedAtMs: number;
  startedAtMs: number;
  finishedAtMs: number;
}

export interface Place {
  /** Undefined for a charge that left before its turn began. */
  turn: Promise<Turn | undefined>;
  /** True if the turn had not begun, and never will. */
  leave(): boolean;
}

interface Waiting {
  receivedAtMs: number;
  startedAtMs?: number;
  done(turn: Turn | undefined): void;
}

const LONGEST_TIMER_MS = 60_000;

export type ChargeQueue = ReturnType<typeof createChargeQueue>;

interface Counter {
  inc(seconds: number): void;
}

/** `busy` counts the time of the turns, each when it has ended. */
export function createChargeQueue(chargesPerSecond: number, busy: Counter, now = Date.now) {
  const queue: Waiting[] = [];
  let turnMs = turnOf(chargesPerSecond);
  let pacedAtMs = 0;
  let freeAtMs = 0;
  let timer: NodeJS.Timeout | undefined;

  // A turn ends where the clock says, not where a timer fires, and the next begins there: no drift, and no rate too
  // high for a timer's millisecond.
  function advance() {
    clearTimeout(timer);
    for (let first = queue[0]; first; first = queue[0]) {
      first.startedAtMs ??= Math.max(first.receivedAtMs, freeAtMs);
      const finishedAtMs = Math.max(first.startedAtMs + turnMs, pacedAtMs);
      const waitMs = finishedAtMs - now();
      if (waitMs > 0) {
        timer = setTimeout(advance, Math.min(waitMs, LONGEST_TIMER_MS));
        return;
      }
      queue.shift();
      freeAtMs = finishedAtMs;
      busy.inc((finishedAtMs - first.startedAtMs) / 1_000);
      first.done({
        receivedAtMs: first.receivedAtMs,
        startedAtMs: Math.floor(first.startedAtMs),
        finishedAtMs: Math.floor(finishedAtMs),
      });
    }
  }

  return {
    join(): Place {
      const { promise, resolve } = Promise.withResolvers<Turn | undefined>();
      const place: Waiting = { receivedAtMs: now(), done: resolve };
      queue.push(place);
      if (queue.length === 1) advance();
      return { turn: promise, leave: () => leave(place) };
    },
    waiting: () => queue.length - (queue[0]?.startedAtMs === undefined ? 0 : 1),
    /** For queued charges, too, and for the turn that runs. */
    pace(perSecond: number) {
      advance();
      turnMs = turnOf(perSecond);
      pacedAtMs = now();
      advance();
    },
    /** Queued charges are forgotten. */
    close() {
      clearTimeout(timer);
      queue.length = 0;
    },
  };

  function leave(place: Waiting): boolean {
    if (place.startedAtMs !== undefined) return false;
    queue.splice(queue.indexOf(place), 1);
    place.done(undefined);
    return true;
  }
}

const turnOf = (perSecond: number) => (perSecond === 0 ? 0 : 1000 / perSecond);
