// The third act: a small queued crowd, and the process that works its orders is killed in the middle.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RoadRun } from './road.ts';
import type { RoadWatch } from './sample.ts';
import type { Say } from './show.ts';

/** What a stack can do whose processes are its own to end. */
export interface Processes {
  /** kill -9; resolves when the service has been started again and is ready. */
  kill(service: 'orders'): Promise<void>;
}

export interface Accident {
  run: RoadRun;
  /** How many had been told yes when it was struck, and while it was away. */
  yesBefore: number;
  yesMeanwhile: number;
  /** Null: it did not come back in time. */
  awayMs: number | null;
}

export interface Striking {
  processes: Processes;
  killedAtYes: number;
  withinMs: number;
  say: Say;
  mark(text: string): void;
}

/** Strikes as soon as enough have been told yes. */
export function createStrike({ processes, killedAtYes, withinMs, say, mark }: Striking) {
  let struck: Promise<number | null> | undefined;
  let yesBefore = 0;
  let latestYes = 0;
  let yesAfter = 0;

  async function strike(): Promise<number | null> {
    const at = performance.now();
    yesBefore = latestYes;
    mark('orders killed');
    const late = sleep(withinMs, 'late' as const, { ref: false });
    const came = await Promise.race([processes.kill('orders'), late]);
    yesAfter = latestYes;
    if (came === 'late') return null;
    mark('orders back');
    const awayMs = performance.now() - at;
    say(`orders is back after ${(awayMs / 1000).toFixed(1)} s; meanwhile ${yesAfter - yesBefore} more were told yes`);
    return awayMs;
  }

  return {
    watch: (watch: RoadWatch): RoadWatch => ({
      ...watch,
      tally(tally) {
        watch.tally(tally);
        latestYes = tally.yes;
        if (struck || tally.yes < killedAtYes) return;
        struck = strike();
        // Heard of when the outcome is asked for.
        struck.catch(() => undefined);
      },
    }),
    async outcome(run: RoadRun): Promise<Accident> {
      const awayMs = (await struck) ?? null;
      return { run, yesBefore, yesMeanwhile: yesAfter - yesBefore, awayMs };
    },
  };
}
