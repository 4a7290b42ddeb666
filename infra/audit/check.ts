// A check has two sides that must be equal; what it is made of may be split by sale.

export interface Check {
  name: string;
  /** Null for what belongs to no sale. */
  saleId: string | null;
  left: number;
  /** The right side is their sum. */
  terms: number[];
  ok: boolean;
  /** What makes the sides differ, for whoever has to look. */
  differing: string[];
}

export interface Total extends Omit<Check, 'saleId'> {
  right: number;
  parts: Check[];
}

/** Two numbers, or a number and the sum of others. */
export const equal = (name: string, saleId: string | null, left: number, ...terms: number[]): Check => ({
  name,
  saleId,
  left,
  terms,
  ok: left === sum(terms),
  differing: [],
});

/** Left how many there are, right for how many of them it holds. */
export function each<T>(
  name: string,
  saleId: string | null,
  items: Iterable<T>,
  holds: (item: T) => boolean,
  nameOf: (item: T) => string,
): Check {
  const all = [...items];
  const differing = all.filter((item) => !holds(item)).map(nameOf);
  return {
    name,
    saleId,
    left: all.length,
    terms: [all.length - differing.length],
    ok: differing.length === 0,
    differing,
  };
}

/** Two sets of ids: left and right their sizes, and as many is not enough, they must be the same ones. */
export function same(name: string, saleId: string | null, left: Set<string>, right: Set<string>): Check {
  const differing = [...left, ...right].filter((id) => !left.has(id) || !right.has(id));
  return { name, saleId, left: left.size, terms: [right.size], ok: differing.length === 0, differing };
}

/** One line a name, of sales the oldest first; it holds only if it holds for each, as errors of two may cancel out. */
export function totals(checks: Check[]): Total[] {
  return [...Map.groupBy(checks, (check) => check.name)].map(([name, unsorted]) => {
    const parts = unsorted.toSorted((a, b) => ((a.saleId ?? '') < (b.saleId ?? '') ? -1 : 1));
    const terms = (parts[0]?.terms ?? []).map((_, i) => sum(parts.map((part) => part.terms[i] ?? 0)));
    return {
      name,
      left: sum(parts.map((part) => part.left)),
      terms,
      right: sum(terms),
      ok: parts.every((part) => part.ok),
      differing: parts.flatMap((part) => part.differing),
      parts,
    };
  });
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
