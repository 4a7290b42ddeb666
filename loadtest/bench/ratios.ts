// Ratios of what was measured side by side in the same round, and their spread over the rounds.
import { type Spread, spread } from '../figures/figures.ts';

export const RATIOS = ['refusal', 'accept', 'steady', 'drain', 'decoupling'] as const;
export type RatioName = (typeof RATIOS)[number];

export type Whose = 'ours' | 'reference';

/** One measurement that counts. */
export interface Row {
  round: number;
  ratio: RatioName;
  of: Whose;
  value: number;
  /** What the value was made of. */
  detail: object;
}

export interface Ratio extends Spread {
  /** Medians. */
  ours: number;
  reference: number;
}

export function ratioOf(rows: Row[], name: RatioName): Ratio {
  const ofRatio = rows.filter((row) => row.ratio === name);
  const values = (of: Whose) => ofRatio.filter((row) => row.of === of).map((row) => row.value);
  const byRound = [...Map.groupBy(ofRatio, ({ round }) => round).values()].map(quotient);
  return { ...spread(byRound), ours: spread(values('ours')).median, reference: spread(values('reference')).median };
}

function quotient(rows: Row[]): number {
  const [ours, reference] = (['ours', 'reference'] as const).map((of) => rows.find((row) => row.of === of)?.value);
  if (ours === undefined || !reference) throw new Error(`round ${rows[0]?.round}: ${rows[0]?.ratio} has only one side`);
  return ours / reference;
}

export type CpuCosts = Record<string, Spread>;

/** `perOrder`: of each round, CPU milliseconds of each process. Their sum is under `sum`. */
export function cpuCosts(perOrder: Record<string, number>[]): CpuCosts {
  const names = new Set(perOrder.flatMap((costs) => Object.keys(costs)));
  const sums = perOrder.map((costs) => Object.values(costs).reduce((sum, ms) => sum + ms, 0));
  const each = [...names].map((name) => [name, spread(perOrder.map((costs) => costs[name] ?? Number.NaN))] as const);
  return { ...Object.fromEntries(each), sum: spread(sums) };
}
