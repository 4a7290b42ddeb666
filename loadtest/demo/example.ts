// A run as it was once, for tests of what is said about runs.
import type { AuditResult } from '../../infra/audit/audit.ts';
import type { RoadFigures } from '../figures/figures.ts';

export const queued: RoadFigures = {
  offered: 3_000,
  yes: 1_000,
  no: { soldOut: 2_000, busy: 0, tooLate: 0, limit: 0, notOpen: 0 },
  unanswered: 0,
  unknown: 0,
  errors: 0,
  turnedAwayWhileUnsold: 0,
  confirmedWhenCrowdLeft: 108,
  confirmed: 1_000,
  unsold: 0,
  answerMs: { yes: { p50: 41, p95: 404, p99: 404, max: 404 }, no: { p50: 2, p95: 471, p99: 471, max: 471 } },
  clickToFinalMs: { p50: 4_700, p95: 9_200, p99: 9_200, max: 9_200 },
  peakLine: 925,
  drainedMs: 7_200,
};
export const direct: RoadFigures = {
  ...queued,
  yes: 387,
  no: { soldOut: 0, busy: 2_613, tooLate: 0, limit: 0, notOpen: 0 },
  turnedAwayWhileUnsold: 2_613,
  confirmedWhenCrowdLeft: 288,
  confirmed: 387,
  unsold: 613,
  // On this road a yes is the result.
  answerMs: { yes: { p50: 963, p95: 1_200, p99: 1_200, max: 1_200 }, no: { p50: 7.4, p95: 55, p99: 55, max: 55 } },
  clickToFinalMs: { p50: 963, p95: 1_200, p99: 1_200, max: 1_200 },
};
export const sound: AuditResult = { ok: true, atRest: true, checks: [], inFlight: [], titles: new Map(), notes: [] };
