// The gate of a sale: read by one script, so that nothing moves between its keys, and checked by itself.
import { keyOf, keysIn, saleIdIn } from '@flashsale/contracts/keys';
import type { Redis } from 'ioredis';
import { type Check, each, equal, sum } from './check.ts';
import { type GateRecord, recordsIn } from './records.ts';

export interface Gate {
  saleId: string;
  /** 0: there is no gate. */
  epoch: number;
  stock: number;
  rev: number;
  tickets: number;
  /** It was built in this Redis, since its last start or promotion. */
  current: boolean;
  /** Unix milliseconds of Redis' clock at the reading. */
  nowMs: number;
  records: Map<string, GateRecord>;
  /** Records that cannot be parsed, with their units; null where even those cannot be read. */
  damaged: Map<string, number | null>;
  buyers: Map<string, string>;
  /** When the sweeper is to check each order, from both sets. */
  due: Map<string, number>;
  dueUnsent: Map<string, number>;
  dueSent: Map<string, number>;
  /** Orders that wait, by time of admission. */
  waiting: string[];
}

// Decodes nothing: buyers wait while a script runs.
const READ = `
  -- read: every key of a gate at one instant, with the clock and the history of this Redis.
  local gate, buyers, orders, damaged, unsent, sent, waiting = unpack(KEYS)
  return {
    redis.call('HGETALL', gate),
    redis.call('HGETALL', buyers),
    redis.call('HGETALL', orders),
    redis.call('HGETALL', damaged),
    redis.call('ZRANGE', unsent, 0, -1, 'WITHSCORES'),
    redis.call('ZRANGE', sent, 0, -1, 'WITHSCORES'),
    redis.call('ZRANGE', waiting, 0, -1),
    redis.call('TIME'),
    string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  }`;

export async function readGate(redis: Redis, saleId: string): Promise<Gate> {
  const keys = keysIn(READ).map((key) => keyOf(saleId, key));
  const read = (await redis.eval(READ, keys.length, ...keys)) as [...string[][], string];
  const [gate, buyers, orders, damaged, ...scores] = read.slice(0, 6).map((flat) => pairs(flat as string[])) as Six;
  const [waiting = [], [seconds, micros] = []] = read.slice(6) as string[][];
  const field = (name: string) => Number(gate.get(name) ?? 0);
  const [dueUnsent, dueSent] = scores.map((of) => new Map([...of].map(([id, at]) => [id, Number(at)]))) as [Due, Due];
  return {
    saleId,
    epoch: field('epoch'),
    stock: field('stock'),
    rev: field('rev'),
    tickets: field('tickets'),
    current: gate.get('history') === read.at(-1),
    nowMs: Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000),
    ...recordsIn(orders, damaged),
    buyers,
    due: new Map([...dueUnsent, ...dueSent]),
    dueUnsent,
    dueSent,
    waiting,
  };
}

type Pairs = Map<string, string>;
type Six = [Pairs, Pairs, Pairs, Pairs, Pairs, Pairs];
type Due = Map<string, number>;
const pairs = (flat: string[]): Pairs =>
  new Map(flat.flatMap((key, i) => (i % 2 === 0 ? [[key, flat[i + 1] ?? '']] : [])));

export async function findGates(redis: Redis): Promise<string[]> {
  const found = new Set<string>();
  for await (const keys of redis.scanStream({ match: keyOf('*', '*'), count: 1_000 })) {
    for (const key of keys as string[]) found.add(saleIdIn(key));
  }
  return [...found];
}

export const recordsOf = (gates: Map<string, Gate>) =>
  [...gates.values()].flatMap(({ records }) => [...records.values()]);

export const isPending = (record: GateRecord | undefined) => record !== undefined && record.state !== 'sold';
export const knows = ({ records, damaged }: Gate, orderId: string) => records.has(orderId) || damaged.has(orderId);

type UnitsOf = (orderId: string) => number | undefined;

/** `unitsOf`: of an order whose record is damaged beyond reading. */
export function gateChecks(gate: Gate, unitsOf: UnitsOf = () => undefined): Check[] {
  const { saleId, stock, tickets, records, damaged, buyers } = gate;
  const all = [...records.values()];
  const inRecords = sum(all.map(({ quantity }) => quantity));
  const inDamaged = sum([...damaged].map(([orderId, units]) => units ?? unitsOf(orderId) ?? 0));
  const owned = new Set(buyers.values());
  const known = [...all, ...[...damaged.keys()].map((orderId) => ({ orderId, buyerId: undefined }))];
  const owners = [...buyers].map(([buyerId, orderId]) => ({ buyerId, orderId }));
  return [
    equal('gate: stock = tickets + units of records', saleId, stock, tickets, inRecords + inDamaged),
    each(`gate: each record has its buyer's entry`, saleId, known, ({ buyerId, orderId }) =>
      buyerId === undefined ? owned.has(orderId) : buyers.get(buyerId) === orderId,
    ),
    each(`gate: each buyer's entry has its record`, saleId, owners, ({ buyerId, orderId }) =>
      damaged.has(orderId) ? true : records.get(orderId)?.buyerId === buyerId,
    ),
    ...dueChecks(gate),
  ];
}

/** A record without its entry would never be checked; an entry in the other set would be taken for another state. */
function dueChecks({ saleId, records, damaged, dueUnsent, dueSent, waiting }: Gate): Check[] {
  const sets = { unsent: dueUnsent, sent: dueSent, sold: new Map() };
  const entries = Object.entries(sets).flatMap(([state, set]) =>
    [...set.keys()].map((orderId) => ({ orderId, state })),
  );
  const waits = waiting.map((orderId) => ({ orderId }));
  const pending = [...records.values()].filter(isPending);
  // Damaged ones stay in these sets until a script meets them.
  const is = (orderId: string, holds: (record: GateRecord | undefined) => boolean) =>
    damaged.has(orderId) || holds(records.get(orderId));
  return [
    each('gate: each pending record will be checked', saleId, pending, (r) => sets[r.state]?.has(r.orderId) ?? false),
    each('gate: what will be checked is pending', saleId, entries, ({ orderId, state }) =>
      is(orderId, (record) => record?.state === state),
    ),
    each('gate: each waiting order is pending', saleId, waits, ({ orderId }) => is(orderId, isPending)),
  ];
}
