// Work that is run again and again: never two runs at once, and a run that fails is logged and tried again.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from '@prometheus-io/client';
import type { Log } from './log.ts';
import { jobMetrics } from './metrics.ts';
import { outsideTraces } from './trace.ts';

/** A run that hangs is abandoned: its work must survive a crash anyway. */
const STOP_WAIT_MS = 8_000;

export interface Loop {
  /** Runs now; during a run: right after it. */
  kick(): void;
  stop(): Promise<void>;
}

export function startLoop(options: {
  name: string;
  everyMs: number;
  log: Log;
  registry: Registry;
  run: (kick: () => void) => Promise<void>;
}): Loop {
  const { runs, lastSuccess } = jobMetrics(options.registry);
  const job = options.name;
  for (const result of ['done', 'failed']) runs.inc({ job, result }, 0);
  lastSuccess.set({ job }, 0);
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  async function run() {
    clearTimeout(timer);
    again = false;
    try {
      await options.run(kick);
      runs.inc({ job, result: 'done' });
      lastSuccess.setToCurrentTime({ job });
    } catch (error) {
      runs.inc({ job, result: 'failed' });
      options.log.warn({ error: String(error) }, `${job}: this run failed, the next is in ${options.everyMs} ms`);
      again = false;
    }
    running = undefined;
    if (stopped) return;
    if (again) kick();
    else timer = setTimeout(kick, options.everyMs);
  }

  // A run is in no trace: it outlives the request that has kicked it, and so do the runs that follow.
  const kick = outsideTraces(() => {
    if (stopped) return;
    if (running) again = true;
    // Later, so that a run which kicks before it waits for anything finds itself running.
    else running = Promise.resolve().then(run);
  });

  kick();
  return {
    kick,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await Promise.race([running, sleep(STOP_WAIT_MS, undefined, { ref: false })]);
    },
  };
}
