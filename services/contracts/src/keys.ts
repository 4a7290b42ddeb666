// The keys of the gateway's Redis, each with its type and meaning. Scripts, audit, tests and bench take them from here.

/** Of a sale, as the Lua scripts call them, too. */
const GATE_KEYS = [
  /** Hash: `epoch`, `history`, `rev`, `stock`, `tickets`, `closed`, `opensAt`, `closesAt`. Missing: there is no gate. */
  'gate',
  /** Hash: buyer → the one live order; the entry owns the order's tickets. */
  'buyers',
  /** Hash: order → record, in JSON: its state, units and buyer, and what the sweeper needs to publish it again. */
  'orders',
  /** Hash: order → record that cannot be read. */
  'damaged',
  /** Sorted set: order that the broker is not known to have → Unix milliseconds of its next check. */
  'unsent',
  /** Sorted set: order without a result that the broker has → Unix milliseconds of its next check. */
  'sent',
  /** Sorted set: waiting order → Unix microseconds since when. */
  'waiting',
  /** Hash: buyer and idempotency key → first order and what its buyer chose, in JSON. Survives a rebuild. */
  'keys',
  /** String: token of the gateway that rebuilds the gate; expires. */
  'lease',
  /** String: the history of the Redis in which the gate of an epoch is staged; with it three parts of that gate. */
  'staged',
  'staged_buyers',
  'staged_orders',
  'staged_sent',
] as const;
export type GateKey = (typeof GATE_KEYS)[number];

/** One hash slot for all keys of a sale, so that one script may touch them all. `epoch`: of the staged ones. */
export const keyOf = (saleId: string, key: GateKey | '*', epoch?: number) =>
  `sale:{${saleId}}:${key}${key.startsWith('staged') ? `:${epoch}` : ''}`;

export const saleIdIn = (key: string) => key.slice('sale:{'.length, key.indexOf('}'));

/** The keys that a script names in its first statement, `local … = unpack(KEYS)`, in their order. */
export function keysIn(lua: string): GateKey[] {
  const [, names = ''] = /^\s*local ([\w,\s]+) = unpack\(KEYS\)$/m.exec(lua) ?? [];
  return names.split(/,\s*/).map((name) => GATE_KEYS.find((key) => key === name) ?? unknownKey(name));
}

function unknownKey(name: string): never {
  throw new Error(`a script names the key ${name}, which no sale has`);
}

/** Strings, this before an order's id: the order as its buyer sees it, in JSON; each expires. */
export const VIEW_KEYS = 'order:';

/** String: written to know whether Redis takes writes; lives for a second. */
export const PROBE_KEY = 'gateway:ready';
