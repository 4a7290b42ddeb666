// The bank, over HTTP: connections are kept open, and every answer is a value; a call without an answer is unknown.
import type { Log } from '@flashsale/runtime/log';
import { tracing } from '@flashsale/runtime/trace';
import { carried } from '@flashsale/runtime/trace-context';
import { Pool } from 'undici';
import { z } from 'zod';
import type { Config } from '../config.ts';
import type { Bank, BankAnswer } from '../domain/ports.ts';
import { REVERSALS_AT_ONCE } from '../domain/reverse-charges.ts';
import type { BankCall, Metrics } from '../metrics.ts';

const CHARGE_ANSWERS: Record<number, BankAnswer> = {
  201: 'captured',
  402: 'declined',
  409: 'reversed',
};
const Reversal = z.object({ status: z.enum(['reversed', 'declined']) });

export function createBank(config: Config, metrics: Metrics, log: Log): Bank & { stop(): Promise<void> } {
  const { origin } = new URL(config.BANK_URL);
  // A call ends with its caller's deadline, by no other clock.
  const limits = { headersTimeout: 0, bodyTimeout: 0, connectTimeout: 2_000 };
  const charges = new Pool(origin, { ...limits, connections: config.BANK_CONCURRENCY });
  // A separate pool, so that refunds are not starved by charges.
  const reversals = new Pool(origin, { ...limits, connections: REVERSALS_AT_ONCE });
  const own = { authorization: `Bearer ${config.BANK_API_KEY}`, 'content-type': 'application/json' };
  const headersNow = () => ({ ...own, ...(tracing.on && carried()) });

  async function timed<Answer extends string>(
    call: BankCall,
    work: () => Promise<Answer>,
  ): Promise<Answer | 'unknown'> {
    const end = metrics.bankCall.startTimer({ call });
    metrics.bankInFlight.inc({ call });
    const answer = await work().catch(() => 'unknown' as const);
    metrics.bankInFlight.dec({ call });
    end({ outcome: answer });
    return answer;
  }

  /** 4xx is a mistake of this side; the bank's own failures are 5xx. */
  function logIfRefused(call: string, status: number): void {
    if (status >= 400 && status < 500) log.error({ call, status }, 'the bank refuses a call');
  }

  return {
    charge: ({ orderId, amount }, timeout) =>
      timed('charge', async () => {
        const { statusCode, body } = await charges.request({
          method: 'POST',
          path: '/charges',
          headers: { ...headersNow(), 'idempotency-key': orderId },
          body: JSON.stringify(amount),
          signal: timeout,
        });
        await body.dump();
        const answer = CHARGE_ANSWERS[statusCode];
        if (!answer) logIfRefused('charge', statusCode);
        return answer ?? 'unknown';
      }),

    reverse: (orderId) =>
      timed('reverse', async () => {
        const { statusCode, body } = await reversals.request({
          method: 'POST',
          path: `/charges/${orderId}/reverse`,
          headers: headersNow(),
          signal: AbortSignal.timeout(config.BANK_TIMEOUT_MS),
        });
        const text = await body.text();
        if (statusCode === 200) return Reversal.parse(JSON.parse(text)).status;
        logIfRefused('reverse', statusCode);
        return 'unknown';
      }),

    async stop() {
      await Promise.all([charges.destroy(), reversals.destroy()]);
    },
  };
}
