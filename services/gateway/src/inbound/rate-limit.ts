// Requests of one buyer per second, at this gateway: checked before the gate has anything to do.
export type RateLimit = (buyerId: string) => boolean;

export function createRateLimit(mostPerSecond: number, now = () => Date.now()): RateLimit {
  let second = 0;
  const requests = new Map<string, number>();
  return (buyerId) => {
    const current = Math.floor(now() / 1_000);
    if (current !== second) requests.clear();
    second = current;
    const count = (requests.get(buyerId) ?? 0) + 1;
    requests.set(buyerId, count);
    return count > mostPerSecond;
  };
}
