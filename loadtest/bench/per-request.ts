// What one answer costs: a refusal and a yes, of the gateway and of the reference that does the same work.
import { type Cost, measureCost } from './cost.ts';
import type { Whose } from './ratios.ts';
import type { Venue } from './venue.ts';

const ACCEPTED_WITHIN_S = 120;
/** wrk builds its first request once more, to look at it. */
const SPARE_TOKENS = 1_000;

export function refusalCost(venue: Venue, whose: Whose, soldOutUrl: string, seconds: number): Promise<Cost> {
  const { stack, references, tokens, settings, signal } = venue;
  const tested =
    whose === 'ours'
      ? { who: 'refusal, ours', pid: stack.pids.gateway ?? 0, url: soldOutUrl }
      : { who: 'refusal, reference', ...references.refusal };
  tokens.atLeast(SPARE_TOKENS);
  return measureCost(
    { ...tested, status: 410 },
    { url: tested.url, tokensFile: tokens.file, connections: settings.connections, seconds, signal },
  );
}

/** `url`: of a sale with ample stock, where none of the buyers has been before. */
export function acceptCost(venue: Venue, whose: Whose, url: string, orders: number): Promise<Cost> {
  const { stack, references, tokens, settings, signal } = venue;
  const pid = whose === 'ours' ? stack.pids.gateway : references.accept.pid;
  tokens.atLeast(orders + SPARE_TOKENS);
  return measureCost(
    { who: `accept, ${whose}`, pid: pid ?? 0, status: 202 },
    {
      url,
      tokensFile: tokens.file,
      connections: settings.connections,
      seconds: ACCEPTED_WITHIN_S,
      most: orders,
      signal,
    },
  );
}

export const referenceSale = ({ references }: Venue, which: 'warmUp' | 'counted') =>
  `${references.accept.url}/v1/sales/${references.accept.saleIds[which]}/orders`;
