// The lease of the gateway that rebuilds a gate.
import { randomUUID } from 'node:crypto';
import type { Lease } from '../../domain/ports.ts';
import type { GateRedis } from '../redis.ts';

export interface LeaseTimes {
  lastsMs: number;
  renewEveryMs: number;
}

export function createLeases(redis: GateRedis, { lastsMs, renewEveryMs }: LeaseTimes) {
  const tokens = new WeakMap<AbortSignal, string>();

  async function lease(saleId: string): Promise<Lease | undefined> {
    const token = randomUUID();
    let renewedAt = performance.now();
    if ((await redis.gateScript('lease', saleId, [token, lastsMs])) !== 1) return undefined;

    const lost = new AbortController();
    tokens.set(lost.signal, token);
    const lose = () => {
      clearInterval(timer);
      lost.abort(new Error(`the lease on the gate of ${saleId} was lost`));
    };
    const timer = setInterval(async () => {
      const sentAt = performance.now();
      const renewed = await redis.gateScript('renew', saleId, [token, lastsMs]).catch(() => 'unknown');
      if (renewed === 1) renewedAt = sentAt;
      // Given up in time, whether Redis responds or not: from then on a second gateway may hold it.
      if (renewed === 0 || performance.now() - renewedAt >= lastsMs - renewEveryMs) lose();
    }, renewEveryMs);

    return {
      lost: lost.signal,
      async release() {
        clearInterval(timer);
        await redis.gateScript('renew', saleId, [token, 0]);
      },
    };
  }

  return {
    lease,
    /** Empty for a signal that is not of a lease. */
    tokenOf: (lost: AbortSignal) => tokens.get(lost) ?? '',
  };
}
