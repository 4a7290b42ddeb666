// A check has two sides that must be equal. It belongs to one sale, and is printed as the total of all sales.
export interface Check {
  name: string;
  /** Null for a check that belongs to no sale. */
  saleId: string | null;
  left: number;
  /** The right side is their sum. */
  terms: number[];
  ok: boolean;
  /** The orders that make the sides differ. */
  differing: string[];
}

export interface Total extends Omit<Check, 'saleId'> {
  right: number;
  parts: Check[];
}

type OfOrder = { orderId: string };
type OfSale = OfOrder & { saleId: string };
type Holds<T> = (item: T) => boolean;

/** Two numbers, or a number and the sum of others. */
export function equal(name: string, saleId: string | null, left: number, ...terms: number[]): Check {
  return { name, saleId, left, terms, ok: left === sum(terms), differing: [] };
}

/** Left the number of items, right the number of those for which `holds` is true. */
export function each<T extends OfOrder>(name: string, saleId: string | null, items: T[], holds: Holds<T>): Check {
  const differing = items.filter((item) => !holds(item)).map(({ orderId }) => orderId);
  return { ...equal(name, saleId, items.length, items.length - differing.length), differing };
}

/** The same for each of these sales, by itself. */
export function eachBySale<T extends OfSale>(name: string, saleIds: Iterable<string>, items: T[], holds: Holds<T>) {
  const bySale = Map.groupBy(items, ({ saleId }) => saleId);
  return [...saleIds].map((saleId) => each(name, saleId, bySale.get(saleId) ?? [], holds));
}

/** Two sets of ids, by sale. Sets of one size still differ when their ids do. */
export function same(name: string, left: Set<string>, right: Set<string>, saleOf: (id: string) => string | null) {
  const bySale = Map.groupBy(new Set([...left, ...right]), saleOf);
  const sales = bySale.size === 0 ? [[null, []] as const] : [...bySale];
  return sales.map(([saleId, ids]): Check => {
    const differing = ids.filter((id) => !left.has(id) || !right.has(id));
    const count = (side: Set<string>) => ids.filter((id) => side.has(id)).length;
    return { name, saleId, left: count(left), terms: [count(right)], ok: differing.length === 0, differing };
  });
}

/** One total a name. It holds only if each part does: the errors of two sales may cancel out. */
export function totals(checks: Check[]): Total[] {
  return [...Map.groupBy(checks, ({ name }) => name)].map(([name, unsorted]) => {
    // Ids sort by age, so the oldest sale comes first.
    const parts = unsorted.toSorted((a, b) => ((a.saleId ?? '') < (b.saleId ?? '') ? -1 : 1));
    const terms = (parts[0]?.terms ?? []).map((_, i) => sum(parts.map((part) => part.terms[i] ?? 0)));
    return {
      name,
      left: sum(parts.map(({ left }) => left)),
      terms,
      right: sum(terms),
      ok: parts.every(({ ok }) => ok),
      differing: parts.flatMap(({ differing }) => differing),
      parts,
    };
  });
}

export const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
