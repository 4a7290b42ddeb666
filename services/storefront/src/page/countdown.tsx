// Time that is left, by the shop's clock.
import { useEffect, useState } from 'preact/hooks';

export function useNow(aheadMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return now + aheadMs;
}

function inWords(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

export function Countdown({ label, until, now }: { label: string; until: string; now: number }) {
  return (
    <>
      {label} <time dateTime={until}>{inWords(Date.parse(until) - now)}</time>
    </>
  );
}
