// A comparison as it might have been, for tests of what is made of it.
import type { Click } from '../../infra/clients/answer.ts';
import type { RoadFigures } from '../figures/figures.ts';
import type { RunFacts } from './metrics.ts';
import { type Case, CONFIGURATION, type Plan, type Road } from './plan.ts';
import type { CountedRun, Told } from './summary.ts';

const sizes = { units: 400, buyers: 1_200, seconds: 2, chargesPerSecond: 100 };
const plan: Plan = {
  rounds: 3,
  cases: [
    { name: 'peak', title: 'more than the bank takes', ...sizes },
    { name: 'calm', title: 'less than the bank takes', ...sizes, units: 200, buyers: 200, chargesPerSecond: 1_000 },
  ],
};

const wait = (p50: number) => ({ p50, p95: p50 * 2, p99: p50 * 3, max: p50 * 4 });
const NOBODY = { soldOut: 0, busy: 0, tooLate: 0, limit: 0, notOpen: 0 };

const base: RoadFigures = {
  offered: 1_200,
  yes: 400,
  no: { ...NOBODY, soldOut: 800 },
  unanswered: 0,
  unknown: 0,
  errors: 0,
  turnedAwayWhileUnsold: 0,
  confirmedWhenCrowdLeft: 180,
  confirmed: 400,
  unsold: 0,
  answerMs: { yes: wait(5), no: wait(1) },
  clickToFinalMs: wait(1_500),
  peakLine: 260,
  drainedMs: 2_200,
};
const turnedAway = { yes: 260, no: { ...NOBODY, busy: 940 }, turnedAwayWhileUnsold: 940 };
const FIGURES: Record<Case['name'], Record<Road, RoadFigures>> = {
  peak: {
    queued: base,
    direct: {
      ...base,
      ...turnedAway,
      confirmed: 260,
      unsold: 140,
      answerMs: { yes: wait(900), no: wait(2) },
      drainedMs: 800,
    },
  },
  calm: {
    queued: { ...base, offered: 200, yes: 200, no: NOBODY, confirmed: 200, drainedMs: 200 },
    direct: { ...base, offered: 200, yes: 200, no: NOBODY, confirmed: 200, answerMs: { yes: wait(70), no: wait(0) } },
  },
};
const DECIDED: Record<Case['name'], Record<Road, number>> = {
  peak: { queued: 1_500, direct: 890 },
  calm: { queued: 200, direct: 68 },
};
const CPU = { gateway: 0.8, orders: 0.6, inventory: 0.2, payment: 0.4, postgres: 0.7, redis: 0.1, rabbitmq: 0.5 };

export const factsOf = (name: Case['name'], road: Road, round: number): RunFacts => ({
  figures: FIGURES[name][road],
  crowdSeconds: 2,
  yesWhenCrowdLeft: FIGURES[name][road].yes - 20,
  // A little slower from round to round, so that there is a spread.
  clickToDecidedMs: wait(DECIDED[name][road] + round),
  bankPerSecond: FIGURES[name][road].confirmed / 4,
  cpuSeconds: { ...CPU, bank: 0.2, k6: 1.5 },
});

const runs: CountedRun[] = [1, 2, 3].flatMap((round) =>
  (['peak', 'calm'] as const).flatMap((name) =>
    (['queued', 'direct'] as const).map((road) => ({
      ...{ case: name, road, round, facts: factsOf(name, road, round), invalid: [] },
      audit: { checks: 31, holding: 31 },
      k6: { dropped: 0, lateMs: { p99: 3, max: 12 } },
    })),
  ),
);

export const told: Told = {
  command: 'npm run loadtest -- --quick',
  environment: {
    ...{ at: '2026-11-25T02:00:00.000Z', commit: '1234567', cpu: 'a processor', cores: 2, memoryGiB: 24, os: 'Linux' },
    ...{ node: 'v24.21.0', postgres: '15.18', redis: '7.0.15', rabbitmq: '3.10.8', k6: '1.8.1' },
  },
  configuration: { ...CONFIGURATION, rounds: plan.rounds },
  plan,
  runs,
};

export const click = (more: Partial<Click & { dueAt: number }> = {}) => ({
  ...{ dueAt: 1_000, lateMs: 0, answerMs: 5, answeredAt: 1_005, status: 202, timedOut: false },
  ...{ problem: null, reason: null, orderId: null },
  ...more,
});
