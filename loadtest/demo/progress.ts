// What is said while it happens: about one line a second, from the crowd's own tally and the orders database.
import pg from 'pg';
import { count } from './format.ts';
import type { Tally } from './generator.ts';

const EVERY_MS = 1_000;

const COUNTS = `SELECT count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
  count(*) FILTER (WHERE status <> 'placed')::int AS decided FROM orders WHERE sale_id = $1`;

export type Say = (line: string) => void;

/** Lines begin with the seconds since the demo began. */
export function createSay(write: (line: string) => void): Say {
  const began = performance.now();
  return (line) => write(`${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${line}`);
}

export interface Progress {
  tally(tally: Tally): void;
  stop(): Promise<void>;
}

export async function watchRoad(options: {
  say: Say;
  mode: 'queued' | 'direct';
  saleId: string;
  ordersDatabase: string;
}): Promise<Progress> {
  const { say, mode, saleId, ordersDatabase } = options;
  const database = new pg.Client({ connectionString: ordersDatabase });
  database.on('error', () => undefined);
  await database.connect();
  let latest: Tally = { sent: 0, yes: 0, refused: 0, other: 0 };

  async function tell() {
    const { confirmed, decided } = (await database.query<Counts>(COUNTS, [saleId])).rows[0] ?? {
      confirmed: 0,
      decided: 0,
    };
    say(progressLine(mode, latest, confirmed, decided));
  }
  const timer = setInterval(() => void tell().catch(() => undefined), EVERY_MS);
  return {
    tally: (tally) => {
      latest = tally;
    },
    async stop() {
      clearInterval(timer);
      await tell().catch(() => undefined);
      await database.end();
    },
  };
}

interface Counts {
  confirmed: number;
  decided: number;
}

/** In line: said yes to and not decided; open: not answered yet. */
export function progressLine(mode: 'queued' | 'direct', tally: Tally, confirmed: number, decided: number): string {
  const { sent, yes, refused, other } = tally;
  const inLine = Math.max(0, mode === 'queued' ? yes - decided : sent - yes - refused - other);
  const counts: [number, string][] = [
    [sent, 'clicks'],
    [yes, 'yes'],
    [refused, 'no'],
    ...(other ? ([[other, 'other']] as [number, string][]) : []),
    [inLine, mode === 'queued' ? 'in line' : 'open'],
    [confirmed, 'sold'],
  ];
  return `${mode}  ${counts.map(([value, what]) => `${count(value).padStart(5)} ${what}`).join('  ')}`;
}
