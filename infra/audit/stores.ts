// The live stores, each read as it is; nothing here writes.
import { Redis } from 'ioredis';
import pg from 'pg';
import { type Bank, createBank } from '../clients/bank.ts';

export interface StoreAddresses {
  redisUrl: string;
  databases: { orders: string; inventory: string; payment: string };
  bankUrl: string;
  bankApiKey: string;
}

export interface Stores {
  redis: Redis;
  orders: pg.Pool;
  inventory: pg.Pool;
  payment: pg.Pool;
  bank: Bank;
  close(): Promise<void>;
}

export class StoreUnreadable extends Error {}

const CONNECT_TIMEOUT_MS = 3_000;
const CONNECT_AGAIN_MS = 500;
const READ_TIMEOUT_MS = 30_000;

export function openStores({ redisUrl, databases, bankUrl, bankApiKey }: StoreAddresses): Stores {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: READ_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => CONNECT_AGAIN_MS,
  });
  redis.on('error', () => undefined);
  const [orders, inventory, payment] = [pool(databases.orders), pool(databases.inventory), pool(databases.payment)];
  return {
    redis,
    orders,
    inventory,
    payment,
    bank: createBank(bankUrl, bankApiKey),
    async close() {
      redis.disconnect();
      await Promise.all([orders.end(), inventory.end(), payment.end()]);
    },
  };
}

/** A refused connection says why, which ioredis tells its listeners only. */
export function connect(redis: Redis): Promise<void> {
  return new Promise((resolve, reject) => {
    redis.once('error', reject);
    redis.connect().then(resolve, reject);
  });
}

function pool(connectionString: string) {
  const pool = new pg.Pool({
    connectionString,
    max: 2,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: READ_TIMEOUT_MS,
  });
  pool.on('error', () => undefined);
  return pool;
}

/** Says which store it was that could not be read. */
export async function from<T>(store: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw new StoreUnreadable(`${store} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

// A refused connection to a name with several addresses has an empty message of its own.
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  if (!(error instanceof Error)) return String(error);
  return error.cause ? `${error.message}: ${reasonOf(error.cause)}` : error.message;
}

/** Everything `read` asks sees the database at one instant. */
export async function inSnapshot<T>(pool: pg.Pool, read: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
  const connection = await pool.connect();
  try {
    await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const result = await read(connection);
    await connection.query('COMMIT');
    connection.release();
    return result;
  } catch (error) {
    connection.release(true);
    throw error;
  }
}
