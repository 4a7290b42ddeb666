// What the gateway looks at again and again: sales and their gates, tickets left, orders that are due.
import type { Log } from '@flashsale/runtime/log';
import { startLoop } from '@flashsale/runtime/loop';
import type { Config } from './config.ts';
import type { Metrics } from './metrics.ts';
import type { Stories } from './stories.ts';

const LOOK_AGAIN_MS = 100;
/** A sale with units again must be open on every gateway within a second. */
const TICKETS_MS = 300;

export function startRounds({ ROUND_MS }: Config, { look, lookAtTickets, sweep }: Stories, log: Log, metrics: Metrics) {
  const loops = {
    watch: startLoop({ name: 'watch', everyMs: ROUND_MS, log, round: look }),
    tickets: startLoop({ name: 'tickets', everyMs: TICKETS_MS, log, round: lookAtTickets }),
    sweep: startLoop({ name: 'sweep', everyMs: ROUND_MS, log, round: async () => metrics.swept.inc(await sweep()) }),
  };
  return {
    lookAgain: atMostEvery(LOOK_AGAIN_MS, loops.watch.kick),
    async stop() {
      await Promise.all(Object.values(loops).map((loop) => loop.stop()));
    },
  };
}

/** A crowd before a stale gate asks for the next round with every click. */
export function atMostEvery(ms: number, act: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - last < ms) return;
    last = performance.now();
    act();
  };
}
