// The gate of a sale: read by one script, so that nothing moves between its keys, and checked by itself.
import { keyOf } from '@flashsale/contracts/ids';
import type { Redis } from 'ioredis';
import { type Check, each, equal, sum } from './check.ts';

interface GateRecord {
  orderId: string;
  state: 'unsent' | 'sent' | 'sold';
  quantity: number;
  buyerId: string;
  /** Null in a record that a rebuilt gate got from inventory, and in a sold one. */
  decideByMs: number | null;
}

export interface Gate {
  saleId: string;
  /** 0: there is no gate. */
  epoch: number;
  supply: number;
  rev: number;
  tickets: number;
  records: Map<string, GateRecord>;
  buyers: Map<string, string>;
  due: Map<string, number>;
  /** Waiting orders, in their turn. */
  line: string[];
}

// Decodes nothing: buyers wait while a script runs.
const READ = `
  return {
    redis.call('HGETALL', KEYS[1]),
    redis.call('HGETALL', KEYS[2]),
    redis.call('HGETALL', KEYS[3]),
    redis.call('ZRANGE', KEYS[4], 0, -1, 'WITHSCORES'),
    redis.call('ZRANGE', KEYS[5], 0, -1)
  }`;

export async function readGate(redis: Redis, saleId: string): Promise<Gate> {
  const keys = ['gate', 'buyers', 'orders', 'due', 'line'].map((part) => keyOf(saleId, part));
  const answer = (await redis.eval(READ, keys.length, ...keys)) as string[][];
  const [gate, buyers, orders, scores] = answer.slice(0, 4).map(pairs) as [Pairs, Pairs, Pairs, Pairs];
  const field = (name: string) => Number(gate.get(name) ?? 0);
  return {
    saleId,
    epoch: field('epoch'),
    supply: field('supply'),
    rev: field('rev'),
    tickets: field('tickets'),
    records: new Map([...orders].map(([orderId, text]) => [orderId, record(orderId, text)])),
    buyers,
    due: new Map([...scores].map(([orderId, score]) => [orderId, Number(score)])),
    line: answer[4] ?? [],
  };
}

type Pairs = Map<string, string>;
const pairs = (flat: string[]): Pairs =>
  new Map(flat.flatMap((key, i) => (i % 2 === 0 ? [[key, flat[i + 1] ?? '']] : [])));

function record(orderId: string, text: string): GateRecord {
  const { state, quantity, buyerId, command } = JSON.parse(text);
  const decideByMs = command ? (JSON.parse(command).decideByMs ?? null) : null;
  return { orderId, state, quantity, buyerId, decideByMs };
}

export async function findGates(redis: Redis): Promise<string[]> {
  const found = new Set<string>();
  for await (const keys of redis.scanStream({ match: 'sale:{*}:*', count: 1_000 })) {
    for (const key of keys as string[]) found.add(key.slice('sale:{'.length, key.indexOf('}')));
  }
  return [...found];
}

export const recordsOf = (gates: Map<string, Gate>) =>
  [...gates.values()].flatMap(({ records }) => [...records.values()]);

export const isPending = (record: GateRecord | undefined) => record !== undefined && record.state !== 'sold';

export function gateChecks({ saleId, supply, tickets, records, buyers, due, line }: Gate): Check[] {
  const all = [...records.values()];
  const owners = [...buyers].map(([buyerId, orderId]) => ({ buyerId, orderId }));
  const named = (orderIds: Iterable<string>) => [...orderIds].map((orderId) => ({ orderId }));
  const recordOf = ({ orderId }: { orderId: string }) => records.get(orderId);
  return [
    equal('gate: supply = tickets + units of records', saleId, supply, tickets, sum(all.map((r) => r.quantity))),
    each(`gate: each record has its buyer's entry`, saleId, all, (r) => buyers.get(r.buyerId) === r.orderId),
    each(`gate: each buyer's entry has its record`, saleId, owners, (o) => recordOf(o)?.buyerId === o.buyerId),
    each('gate: each pending record will be looked at', saleId, all.filter(isPending), (r) => due.has(r.orderId)),
    each('gate: what will be looked at is pending', saleId, named(due.keys()), (o) => isPending(recordOf(o))),
    each('gate: who is in line is pending', saleId, named(line), (o) => isPending(recordOf(o))),
  ];
}
