// The bank's HTTP interface: its statement, and the behaviour that can be changed while it runs.
import { z } from 'zod';

const Statement = z.object({
  charges: z.array(
    z.object({
      key: z.string(),
      status: z.enum(['captured', 'declined', 'reversed']),
      amountMinor: z.number(),
      currency: z.string(),
      startedAtMs: z.number(),
      finishedAtMs: z.number(),
    }),
  ),
  queue: z.object({ waiting: z.number(), inProgress: z.number() }),
});
export type Statement = z.infer<typeof Statement>;
export type BankCharge = Statement['charges'][number];

const TIMEOUT_MS = 10_000;

export type Bank = ReturnType<typeof createBank>;

export function createBank(url: string, apiKey: string) {
  async function call(path: string, init: RequestInit = {}): Promise<unknown> {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const response = await fetch(new URL(path, url), { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok)
      throw new Error(`the bank responded to ${path} with ${response.status}: ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  }
  return {
    /** The charges that changed since then; all of them by default. */
    statement: async (sinceMs = 0): Promise<Statement> => Statement.parse(await call(`/statement?since=${sinceMs}`)),
    change: (behaviour: object) => call('/behaviour', { method: 'PATCH', body: JSON.stringify(behaviour) }),
  };
}
