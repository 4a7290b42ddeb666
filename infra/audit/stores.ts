// The live stores, each read as it is. The audit writes to none of them.
import { ORDERS_PLACED, PAYMENTS_DUE } from '@flashsale/contracts/topology';
import { retryQueue } from '@flashsale/messaging/topology';
import amqp from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { type Bank, createBank } from '../clients/bank.ts';

export type Database = 'orders' | 'inventory' | 'payment';

export interface StoreAddresses {
  redisUrl: string;
  databases: Record<Database, string>;
  bankUrl: string;
  bankApiKey: string;
  /** Without it the queues are not read. */
  amqpUrl?: string | undefined;
}

export interface QueueLength {
  queue: string;
  messages: number;
}

export interface Stores extends Record<Database, pg.Pool> {
  redis: Redis;
  bank: Bank;
  /** Both queues and their retry steps; undefined where no broker is named. */
  queueLengths: (() => Promise<QueueLength[]>) | undefined;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 3_000;
const RECONNECT_AFTER_MS = 500;
const READ_TIMEOUT_MS = 30_000;

export function openStores({ redisUrl, databases, bankUrl, bankApiKey, amqpUrl }: StoreAddresses): Stores {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: READ_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => RECONNECT_AFTER_MS,
  });
  redis.on('error', () => undefined);
  const open = (database: Database) => openPool(databases[database]);
  const pools = { orders: open('orders'), inventory: open('inventory'), payment: open('payment') };
  return {
    redis,
    ...pools,
    bank: createBank(bankUrl, bankApiKey),
    queueLengths: amqpUrl ? () => readQueues(amqpUrl) : undefined,
    async close() {
      redis.disconnect();
      await Promise.all(Object.values(pools).map((pool) => pool.end()));
    },
  };
}

function openPool(connectionString: string) {
  const pool = new pg.Pool({
    connectionString,
    max: 2,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: READ_TIMEOUT_MS,
  });
  pool.on('error', () => undefined);
  return pool;
}

const QUEUES = [ORDERS_PLACED, PAYMENTS_DUE].flatMap((work) => [
  work.queue,
  ...work.retryDelaysMs.map((delayMs) => retryQueue(work, delayMs)),
]);

/** Ready messages: what a worker holds is an order that is not decided, or is about to be acknowledged. */
async function readQueues(amqpUrl: string): Promise<QueueLength[]> {
  const connection = await amqp.connect(amqpUrl, { timeout: CONNECT_TIMEOUT_MS });
  connection.on('error', () => undefined);
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    const lengths: QueueLength[] = [];
    for (const queue of QUEUES) lengths.push({ queue, messages: (await channel.checkQueue(queue)).messageCount });
    return lengths;
  } finally {
    await connection.close().catch(() => undefined);
  }
}

/** ioredis reports the reason for a refused connection to its listeners only. */
export function connect(redis: Redis): Promise<void> {
  return new Promise((resolve, reject) => {
    redis.once('error', reject);
    redis.connect().then(resolve, reject);
  });
}

export async function rows<T extends object>(stores: Stores, database: Database, select: string, values?: unknown[]) {
  return (await from(`the ${database} database`, stores[database].query<T>(select, values))).rows;
}

/** The rows of several selects at one instant: statements sent together are one transaction. */
export async function snapshot(stores: Stores, database: Database, ...selects: string[]): Promise<object[][]> {
  const statements = ['SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY', ...selects];
  const results = (await from(`the ${database} database`, stores[database].query(statements.join('; ')))) as unknown;
  return (results as pg.QueryResult[]).slice(1).map((result) => result.rows);
}

/** Names the store in the error when it cannot be read. */
export async function from<T>(store: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw new Error(`${store} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

// A refused connection to a name with several addresses has an empty message of its own.
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  if (!(error instanceof Error)) return String(error);
  return error.cause ? `${error.message}: ${reasonOf(error.cause)}` : error.message;
}
