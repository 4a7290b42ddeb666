// How many payments may be under way at once: as many as got a response in the last two seconds.
//
// By Little's law this lets a bank of any speed queue for about two seconds and no more, far from the 10 s after which
// its charges time out. Not AIMD, the usual choice: it takes each time-out for congestion, and a bank that is late with
// one charge in a hundred then keeps 0.55-0.59 of its rate. Not a fixed number: 1,000 are right for a bank of 400/s,
// and make a bank of 20/s time out, so that each order is delivered 3.5 times.

const WINDOW_MS = 2_000;
const BUCKET_MS = 100;
const BUCKETS = WINDOW_MS / BUCKET_MS;
const START = 20;
const RAMP_UP_MS = 500;
const HIGHEST = 1_000;
/** Up to this share, time-outs are single late charges; beyond it the bank is in trouble. */
const TOLERATED = 0.1;

export interface ConcurrencyLimit {
  current(): number;
  responded(): void;
  timedOut(): void;
}

export function createConcurrencyLimit(now: () => number): ConcurrencyLimit {
  const responses = countRecent(now);
  const timeouts = countRecent(now);
  let limit = START;
  let busySince = Number.NEGATIVE_INFINITY;

  const quiet = () => responses.recent() + timeouts.recent() === 0;

  function count(counter: { add(): void }) {
    if (quiet()) busySince = now();
    counter.add();
    limit = Math.min(HIGHEST, limitOf(responses.recent(), timeouts.recent(), now() - busySince));
  }

  return {
    // Without evidence for two seconds, a high limit is of the past; a low one stays until a payment gets its response.
    current: () => (quiet() ? Math.min(limit, START) : limit),
    responded: () => count(responses),
    timedOut: () => count(timeouts),
  };
}

function limitOf(responses: number, timeouts: number, busyForMs: number): number {
  if (timeouts > TOLERATED * (responses + timeouts)) return Math.max(1, responses - timeouts);
  return busyForMs < RAMP_UP_MS ? START + responses : Math.max(START, responses);
}

/** Counts what happened in the last two seconds, to a tenth of a second. */
function countRecent(now: () => number) {
  const counts = new Map<number, number>();
  let sum = 0;
  const bucketNow = () => Math.floor(now() / BUCKET_MS);

  function forgetOld() {
    for (const [bucket, count] of counts) {
      if (bucket > bucketNow() - BUCKETS) return;
      counts.delete(bucket);
      sum -= count;
    }
  }
  return {
    add() {
      counts.set(bucketNow(), (counts.get(bucketNow()) ?? 0) + 1);
      sum += 1;
    },
    recent() {
      forgetOld();
      return sum;
    },
  };
}
