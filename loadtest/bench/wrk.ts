// wrk, and what it says of a run.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const SCRIPT = new URL('wrk.lua', import.meta.url).pathname;
const ANSWER_TIMEOUT = '10s';

const Result = z
  .object({
    requests: z.number(),
    microseconds: z.number(),
    statuses: z.record(z.string(), z.number()),
    errors: z.object({ connect: z.number(), read: z.number(), write: z.number(), timeout: z.number() }),
    latencyMicroseconds: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
    slots: z.number(),
    late: z.number(),
    latestMs: z.number(),
  })
  .transform(({ microseconds, latencyMicroseconds: { p50, p99, max }, slots, late, ...rest }) => ({
    ...rest,
    seconds: microseconds / 1e6,
    /** Of a timetable: clicks for which no connection was free when they were due. */
    lateShare: slots === 0 ? 0 : late / slots,
    latencyMs: { p50: p50 / 1e3, p99: p99 / 1e3, max: max / 1e3 },
  }));
export type WrkResult = z.infer<typeof Result>;

/** It tells its version with its usage, as a failure. */
export function wrkVersion(): string {
  const { stdout = '' } = spawnSync('wrk', ['-v'], { encoding: 'utf8' });
  return /^wrk (?:debian\/)?(\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

export interface WrkRun {
  url: string;
  tokensFile: string;
  connections: number;
  /** wrk ends after so long in any case. */
  seconds: number;
  /** So many answers are enough; they must come within `seconds`. */
  most?: number;
  /** Clicks per second; without it each connection clicks again as soon as it has its answer. */
  rate?: number;
  signal: AbortSignal;
  onReached?: () => void;
}

export async function runWrk(run: WrkRun): Promise<WrkResult> {
  const { url, tokensFile, connections, seconds, most = 0, rate = 0, signal, onReached = () => undefined } = run;
  const bounds = ['-t', '1', '-c', String(connections), '-d', `${Math.ceil(seconds)}s`, '--timeout', ANSWER_TIMEOUT];
  const args = [...bounds, '-s', SCRIPT, url, '--', tokensFile, String(most), String(rate)];
  const wrk = spawn('wrk', args, { signal, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => wrk.once('error', reject).once('close', resolve));
  ended.catch(() => undefined);
  let complaint = '';
  wrk.stderr.on('data', (text) => {
    complaint += text;
  });
  const lines: string[] = [];
  let reachedMs: number | undefined;
  for await (const line of createInterface(wrk.stdout)) {
    lines.push(line);
    if (!line.startsWith('reached ')) continue;
    reachedMs = Number(line.slice('reached '.length));
    onReached();
    wrk.kill('SIGINT');
  }
  if ((await ended) !== 0) throw new Error(`wrk failed: ${complaint || lines.join('\n')}`);
  if (most > 0 && reachedMs === undefined) throw new Error(`no ${most} answers within ${seconds} s from ${url}`);
  const result = parseWrk(lines);
  return reachedMs === undefined ? result : { ...result, seconds: reachedMs / 1e3 };
}

export function parseWrk(lines: string[]): WrkResult {
  const line = lines.find((one) => one.startsWith('result '));
  if (!line) throw new Error(`wrk told no result: ${lines.join('\n')}`);
  return Result.parse(JSON.parse(line.slice('result '.length)));
}

/** A figure counts only if every request of it was answered as it should be. */
export function assertAnswered({ requests, statuses, errors }: WrkResult, status: number, who: string): void {
  const others = Object.entries(statuses).filter(([code]) => code !== String(status));
  const broken = Object.entries(errors).filter(([, count]) => count > 0);
  const surprises = [...others, ...broken].map(([what, count]) => `${count} × ${what}`);
  if (requests > 0 && surprises.length === 0) return;
  const told = surprises.length ? surprises.join(', ') : 'no answer at all';
  throw new Error(`${who}: of ${requests} requests, all of which must get ${status}: ${told}`);
}
