// Sends crowds from a thread of its own, so that neither progress nor polling makes a click late.
import { Worker } from 'node:worker_threads';
import type { Click } from '../clients/answer.ts';
import type { CrowdOrder, CrowdReport, Tally } from './generator.ts';

export interface Crowd {
  clicks: Click[];
  lastClickAt: number;
}

export interface CrowdWatch {
  tally(tally: Tally): void;
  /** The last click has been sent; answers are still to come. */
  left(): void;
}

export type Generator = ReturnType<typeof createGenerator>;

export function createGenerator() {
  const worker = new Worker(new URL('./generator.ts', import.meta.url));
  return {
    /** One crowd at a time; returns when each click has its answer or has given up. */
    send: (order: CrowdOrder, watch: CrowdWatch) =>
      new Promise<Crowd>((resolve, reject) => {
        const listen = (report: CrowdReport) => {
          if ('tally' in report) return watch.tally(report.tally);
          if ('left' in report) return watch.left();
          worker.off('message', listen).off('error', reject);
          resolve(report);
        };
        worker.on('message', listen).once('error', reject);
        worker.postMessage(order);
      }),
    stop: () => worker.terminate(),
  };
}
