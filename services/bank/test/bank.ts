// A bank of a test's own, in this process, and a caller of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '@flashsale/runtime/config';
import { startBank } from '../src/app.ts';
import { settings } from '../src/config.ts';

export const API_KEY = 'a-key-for-tests-of-at-least-32-characters';

export interface Line {
  key: string;
  amountMinor: number;
  currency: string;
  status: string;
  receivedAtMs: number;
  startedAtMs: number;
  finishedAtMs: number;
}

export function storeFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bank-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'statement.jsonl');
}

export async function openBank(t: TestContext, knobs: Record<string, unknown> = {}) {
  const given = { HTTP_PORT: 0, BANK_API_KEY: API_KEY, STORE_FILE: storeFile(t), LOG_LEVEL: 'silent', ...knobs };
  const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
  const bank = await startBank(readConfig(settings, env));
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= bank.stop();
    return stopped;
  };
  t.after(stop);
  return { ...bank, ...callerOf(bank.url), stop };
}

export function callerOf(url: string) {
  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const type = response.headers.get('content-type');
    return { status: response.status, type, body: (await response.json()) as Record<string, unknown> };
  }
  const statement = async (since = 0) =>
    (await call('GET', `/statement?since=${since}`)).body as unknown as {
      charges: Line[];
      queue: { waiting: number; inProgress: number };
    };
  return {
    call,
    charge: (key: string, amountMinor = 1_000) =>
      call('POST', '/charges', { amountMinor, currency: 'EUR' }, { 'idempotency-key': key }),
    reverse: (key: string) => call('POST', `/charges/${encodeURIComponent(key)}/reverse`),
    turn: (knobs: object) => call('PATCH', '/behaviour', knobs),
    statement,
    lineHas: (counts: { waiting: number; inProgress: number }) =>
      until(async () => {
        const { queue } = await statement();
        return queue.waiting === counts.waiting && queue.inProgress === counts.inProgress;
      }),
  };
}

export async function until(condition: () => Promise<boolean> | boolean, withinMs = 60_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${condition}`);
    await sleep(5);
  }
}
