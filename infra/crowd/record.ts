// The record of a load: counts and waiting times of its answers, and each click where it is kept.
import { createHistogram } from 'node:perf_hooks';
import { answerOf, type Click } from '../clients/answer.ts';

export interface Tally {
  sent: number;
  yes: number;
  refused: number;
  other: number;
}

export interface LoadResult {
  /** In the order in which they were due; empty where they are not kept. */
  clicks: Click[];
  lastClickAt: number;
  requests: number;
  /** From the start to the last answer. */
  seconds: number;
  statuses: Record<string, number>;
  /** Clicks without an answer. */
  errors: { connection: number; timeout: number };
  /** Counted from when each click was due. */
  latencyMs: { p50: number; p99: number; max: number };
  /** Clicks that the generator itself sent too late. */
  lateShare: number;
  latestMs: number;
}

/** Timers and the operating system's scheduler delay a click by less. */
const LATE_MS = 10;

export function createRecord(keep: boolean) {
  const tally: Tally = { sent: 0, yes: 0, refused: 0, other: 0 };
  const clicks: Click[] = [];
  const statuses: Record<string, number> = {};
  const errors = { connection: 0, timeout: 0 };
  const waits = createHistogram();
  let [late, latestMs] = [0, 0];
  return {
    tally,
    add(nth: number, click: Click): void {
      const { status, timedOut, lateMs, answerMs } = click;
      const kind = answerOf(click);
      tally[kind === 'yes' ? 'yes' : kind === 'unknown' || kind === 'error' ? 'other' : 'refused'] += 1;
      if (status) statuses[status] = (statuses[status] ?? 0) + 1;
      else errors[timedOut ? 'timeout' : 'connection'] += 1;
      waits.record(Math.max(1, Math.round(answerMs * 1_000)));
      if (lateMs > LATE_MS) late += 1;
      latestMs = Math.max(latestMs, lateMs);
      if (keep) clicks[nth] = click;
    },
    result(lastClickAt: number, seconds: number): LoadResult {
      const latencyMs = { p50: waits.percentile(50) / 1e3, p99: waits.percentile(99) / 1e3, max: waits.max / 1e3 };
      const requests = waits.count;
      return {
        clicks,
        lastClickAt,
        requests,
        seconds,
        statuses,
        errors,
        latencyMs,
        lateShare: late / Math.max(1, requests),
        latestMs,
      };
    },
  };
}
