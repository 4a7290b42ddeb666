// One road as it stands a few times a second: from the crowd's own tally, the orders database and the bank's statement.
import pg from 'pg';
import type { Bank } from '../../infra/clients/bank.ts';
import type { Tally } from '../../infra/crowd/generator.ts';

/** Counts from the first click on; of the bank's line, as it is now. */
export interface Sample extends Tally {
  atMs: number;
  confirmed: number;
  decided: number;
  bank: { charges: number; busyMs: number; waiting: number; inProgress: number };
}

export interface RoadWatch {
  tally(tally: Tally): void;
  /** After one more sample, the last. */
  stop(): Promise<void>;
}

export type OnSample = (sample: Sample, last: boolean) => void;

const EVERY_MS = 250;

const COUNTS = `SELECT count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
  count(*) FILTER (WHERE status <> 'placed')::int AS decided FROM orders WHERE sale_id = $1`;

export async function watchRoad(options: {
  saleId: string;
  ordersDatabase: string;
  bank: Bank;
  onSample: OnSample;
}): Promise<RoadWatch> {
  const { saleId, ordersDatabase, bank, onSample } = options;
  const database = new pg.Client({ connectionString: ordersDatabase });
  database.on('error', () => undefined);
  await database.connect();
  const began = Date.now();
  const books = createBooks(bank, began);
  let tally: Tally = { sent: 0, yes: 0, refused: 0, other: 0 };

  async function take(last: boolean) {
    const [counts, bankNow] = await Promise.all([database.query(COUNTS, [saleId]), books.read()]);
    const [{ confirmed, decided }] = counts.rows;
    onSample({ ...tally, atMs: Date.now() - began, confirmed, decided, bank: bankNow }, last);
  }
  let taking: Promise<void> | undefined;
  const timer = setInterval(() => {
    // A sample that a struck server does not answer is left out; the one after it tells as much.
    taking ??= take(false)
      .catch(() => undefined)
      .finally(() => {
        taking = undefined;
      });
  }, EVERY_MS);
  return {
    tally: (latest) => {
      tally = latest;
    },
    async stop() {
      clearInterval(timer);
      await taking;
      await take(true).catch(() => undefined);
      await database.end();
    },
  };
}

const OVERLAP_MS = 500;

/** The bank's turns, summed up from what changed in its statement since the last look. */
export function createBooks(bank: Pick<Bank, 'statement'>, began: number) {
  const seen = new Set<string>();
  let busyMs = 0;
  let lookedAt = began;
  return {
    async read(): Promise<Sample['bank']> {
      const since = lookedAt - OVERLAP_MS;
      lookedAt = Date.now();
      const { charges, line } = await bank.statement(since);
      for (const { key, startedAtMs, finishedAtMs } of charges) {
        if (seen.has(key) || startedAtMs < began) continue;
        seen.add(key);
        busyMs += finishedAtMs - startedAtMs;
      }
      return { charges: seen.size, busyMs, ...line };
    },
  };
}

/** In line: said yes to and not decided; on the direct road: clicked and not answered. */
export function inLine(mode: 'queued' | 'direct', { sent, yes, refused, other, decided }: Sample): number {
  return Math.max(0, mode === 'queued' ? yes - decided : sent - yes - refused - other);
}
