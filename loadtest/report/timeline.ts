// One run as it went: how many had clicked, been told yes and bought by then, and how many were in line.

import type { Click } from '../../infra/clients/answer.ts';
import { answerOf } from '../../infra/clients/answer.ts';
import type { Order } from '../../infra/clients/shop.ts';

export interface Timeline {
  stepMs: number;
  /** Each of them has a value for 0, one step, two steps, ... after the first click was due. */
  arrivals: number[];
  yes: number[];
  confirmed: number[];
  line: number[];
}

export interface Course {
  clicks: (Click & { dueAt: number })[];
  orders: Map<string, Order>;
}

const STEPS = 200;

export function timelineOf({ clicks, orders }: Course): Timeline {
  const placed = [...orders.values()];
  const decidedAt = ({ decidedAt: at }: Order) => at ?? Infinity;
  const from = Math.min(...clicks.map(({ dueAt }) => dueAt));
  const ends = [...clicks.map(({ answeredAt }) => answeredAt), ...placed.map(decidedAt)].filter(Number.isFinite);
  const stepMs = Math.max(1, Math.ceil((Math.max(...ends) - from) / STEPS));
  const sampled = (times: number[]) => cumulative(times, from, stepMs);
  const created = sampled(placed.map(({ createdAt }) => createdAt));
  const decided = sampled(placed.map(decidedAt));
  return {
    stepMs,
    arrivals: sampled(clicks.map(({ dueAt }) => dueAt)),
    yes: sampled(clicks.filter((click) => answerOf(click) === 'yes').map(({ answeredAt }) => answeredAt)),
    confirmed: sampled(placed.filter(({ status }) => status === 'confirmed').map(decidedAt)),
    line: created.map((count, i) => count - (decided[i] ?? 0)),
  };
}

/** How many of these times lie at or before each step. */
function cumulative(times: number[], from: number, stepMs: number): number[] {
  const sorted = times.toSorted((a, b) => a - b);
  let passed = 0;
  return Array.from({ length: STEPS + 1 }, (_, step) => {
    while (passed < sorted.length && (sorted[passed] as number) <= from + step * stepMs) passed += 1;
    return passed;
  });
}
