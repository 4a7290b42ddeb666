// A gate's records, parsed, and those whose text cannot be parsed.

export interface GateRecord {
  orderId: string;
  state: 'unsent' | 'sent' | 'sold';
  quantity: number;
  buyerId: string;
  /** In Redis' time. Null in a record that a rebuilt gate got from inventory, and in a sold one. */
  deadlineMs: number | null;
}

const STATES = new Set(['unsent', 'sent', 'sold']);
type Texts = Map<string, string>;

/** A record that cannot be parsed counts as damaged also before a script has met it and moved it aside. */
export function recordsIn(orders: Texts, aside: Texts) {
  const records = new Map<string, GateRecord>();
  const damaged = new Map([...aside].map(([orderId, text]) => [orderId, unitsOf(text)]));
  for (const [orderId, text] of orders) {
    const record = parse(orderId, text);
    if (record) records.set(orderId, record);
    else damaged.set(orderId, unitsOf(text));
  }
  return { records, damaged };
}

function parse(orderId: string, text: string): GateRecord | undefined {
  try {
    const { state, quantity, buyerId, command } = JSON.parse(text);
    if (!STATES.has(state) || !Number.isInteger(quantity) || typeof buyerId !== 'string') return undefined;
    const { deadlineMs = null } = (typeof command === 'string' ? JSON.parse(command) : command) ?? {};
    return { orderId, state, quantity, buyerId, deadlineMs };
  } catch {
    return undefined;
  }
}

function unitsOf(damaged: string): number | null {
  const [, quantity] = /"quantity"\s*:\s*(\d+)/.exec(damaged) ?? [];
  return quantity ? Number(quantity) : null;
}
