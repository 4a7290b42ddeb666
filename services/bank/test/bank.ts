// A bank of a test's own, in this process, and its calls in short.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openEnding } from '../../../infra/testbed/ending.ts';
import { BANK_API_KEY, type Env, startService } from '../../../infra/testbed/services.ts';
import { until } from '../../../infra/until.ts';

export interface Charge {
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

export async function openBank(t: TestContext, knobs: Env = {}) {
  const bank = openEnding(t).stopped(await startService.bank({ STORE_FILE: storeFile(t), ...knobs }));
  return { ...bank, ...callerOf(bank.url) };
}

export function callerOf(url: string) {
  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${BANK_API_KEY}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const type = response.headers.get('content-type');
    return { status: response.status, type, body: (await response.json()) as Record<string, unknown> };
  }
  const statement = async (since = 0) =>
    (await call('GET', `/statement?since=${since}`)).body as unknown as {
      charges: Charge[];
      queue: { waiting: number; inProgress: number };
    };
  return {
    call,
    charge: (key: string, amountMinor = 1_000) =>
      call('POST', '/charges', { amountMinor, currency: 'EUR' }, { 'idempotency-key': key }),
    reverse: (key: string) => call('POST', `/charges/${encodeURIComponent(key)}/reverse`),
    change: (knobs: object) => call('PATCH', '/behaviour', knobs),
    statement,
    queueHas: (counts: { waiting: number; inProgress: number }) =>
      until(
        `${counts.waiting} charges wait, ${counts.inProgress} are in progress`,
        async () => {
          const { queue } = await statement();
          return queue.waiting === counts.waiting && queue.inProgress === counts.inProgress;
        },
        60_000,
      ),
  };
}
