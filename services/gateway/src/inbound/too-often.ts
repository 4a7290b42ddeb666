// A buyer who clicks like a machine is asked to wait, before the gate has anything to do with it.
export function createTooOften(mostPerSecond: number, now = () => Date.now()) {
  let second = 0;
  const clicks = new Map<string, number>();
  return (buyerId: string): boolean => {
    const current = Math.floor(now() / 1_000);
    if (current !== second) clicks.clear();
    second = current;
    const count = (clicks.get(buyerId) ?? 0) + 1;
    clicks.set(buyerId, count);
    return count > mostPerSecond;
  };
}
