// What this project says of itself, held against the figures of one run.
import type { AuditResult } from '../../infra/audit/audit.ts';
import type { RoadFigures } from '../figures/figures.ts';
import { count, duration, percent } from '../figures/format.ts';
import type { Accident, RoadRun } from './demo.ts';
import type { Settings } from './settings.ts';

export interface Claim {
  ok: boolean;
  /** Short enough for the verdict's line. */
  name: string;
  text: string;
}

export interface Evidence {
  settings: Settings;
  queued: RoadFigures;
  direct: RoadFigures;
  /** Of the time from the direct road's first charge until its crowd had left. */
  directBankIdleShare: number | null;
  /** Answered yes, and not confirmed in the end. */
  untrueYes: { queued: number; direct: number };
  /** Of each road. */
  audits: RoadRun['audits'][];
  /** Null where it was left out. */
  accident: Accident | null;
}

/** Of the time: the first calls need a moment to reach the bank, and the machine is shared. */
const MOST_IDLE = 0.2;

export function claims(evidence: Evidence): Claim[] {
  return [...queuedClaims(evidence), ...directClaims(evidence), ...accidentClaims(evidence), ...auditClaims(evidence)];
}

function queuedClaims({ settings: { units }, queued, untrueYes }: Evidence): Claim[] {
  return [
    claim(
      queued.yes === units,
      'queued: a yes for each unit',
      `queued: ${count(queued.yes)} were told yes, of ${count(units)} units`,
    ),
    claim(
      queued.confirmed === units && untrueYes.queued === 0,
      'queued: all sold, each yes held',
      `queued: ${count(queued.confirmed)} confirmed, ${count(untrueYes.queued)} yes that did not hold`,
    ),
    claim(
      queued.turnedAwayWhileUnsold === 0,
      'queued: nobody turned away too early',
      `queued: ${count(queued.turnedAwayWhileUnsold)} turned away while a unit was unsold`,
    ),
    claim(
      queued.errors === 0 && queued.unknown === 0,
      'queued: no error, nothing unknown',
      `queued: ${count(queued.errors)} errors, ${count(queued.unknown)} outcomes unknown at the end`,
    ),
  ];
}

function directClaims({ settings: { units }, direct, directBankIdleShare: idle, untrueYes }: Evidence): Claim[] {
  return [
    claim(
      direct.yes > 0 && untrueYes.direct === 0,
      'direct: each yes held',
      `direct: ${count(direct.yes)} were told yes, ${count(untrueYes.direct)} yes that did not hold`,
    ),
    claim(
      idle !== null && idle < MOST_IDLE,
      'direct: the bank was kept busy',
      `direct: the bank was idle ${percent(idle)} of the time buyers waited (under ${percent(MOST_IDLE)})`,
    ),
    claim(
      direct.confirmedWhenCrowdLeft < units,
      'direct: unsold as the crowd left',
      `direct: ${count(direct.confirmedWhenCrowdLeft)} of ${count(units)} sold when the crowd had left`,
    ),
    ...directNoClaims(direct),
  ];
}

function directNoClaims({ no, answerMs, errors, unknown }: RoadFigures): Claim[] {
  const refused = no.soldOut + no.busy + no.tooLate + no.limit + no.notOpen;
  return [
    claim(
      no.busy > 0 && no.busy + no.tooLate === refused && atOnce(answerMs),
      'direct: refused with 503, at once',
      `direct: ${count(no.busy)} of ${count(refused)} refused with 503${no.tooLate ? ` (${count(no.tooLate)} late)` : ''}; in ${duration(answerMs.no.p50)}, a yes in ${duration(answerMs.yes.p50)}`,
    ),
    claim(
      errors === 0 && unknown === 0,
      'direct: no error, nothing unknown',
      `direct: ${count(errors)} errors, ${count(unknown)} outcomes unknown at the end`,
    ),
  ];
}

/** Relative, because how fast is a matter of the machine. */
const atOnce = ({ yes, no }: RoadFigures['answerMs']) => yes.p50 !== null && no.p50 !== null && no.p50 < yes.p50 / 2;

function accidentClaims({ settings, accident }: Evidence): Claim[] {
  if (!accident) return [];
  const { run, awayMs } = accident;
  const { yes, unknown, errors, turnedAwayWhileUnsold } = run.figures;
  // Accepted, and without a final result; or with another one than was promised, since nothing declines here.
  const lost = Math.max(unknown, run.untrueYes);
  const all = yes === settings.accident.units && turnedAwayWhileUnsold === 0;
  return [
    claim(
      lost === 0 && yes > 0,
      'kill -9: no accepted order lost',
      `kill -9 of orders: ${count(lost)} of ${count(yes)} accepted orders lost`,
    ),
    claim(
      awayMs !== null,
      'kill -9: orders started again',
      `kill -9 of orders: started again, ready after ${duration(awayMs)}`,
    ),
    claim(
      all && errors === 0,
      'kill -9: all sold, no error',
      `kill -9 of orders: ${count(turnedAwayWhileUnsold)} turned away while a unit was unsold, ${count(errors)} errors`,
    ),
  ];
}

function auditClaims({ audits }: Evidence): Claim[] {
  const inFlight = audits.map((audit) => audit.inFlight);
  const atRest = audits.map((audit) => audit.atRest);
  return [
    claim(all(inFlight), 'audit in flight', `audit in flight, as each crowd left: ${holding(inFlight)}`),
    claim(all(atRest), 'audit at rest', `audit at rest, after each crowd: ${holding(atRest)}`),
  ];
}

const all = (audits: AuditResult[]) => audits.length > 0 && audits.every(({ ok }) => ok);

function holding(audits: AuditResult[]) {
  const checks = audits.flatMap((audit) => audit.checks);
  return `${checks.filter((check) => check.ok).length} of ${checks.length} checks hold`;
}

const claim = (ok: boolean, name: string, text: string): Claim => ({ ok, name, text });
export const describeClaim = ({ ok, text }: Claim) => `${ok ? '✓' : '✗'} ${text}`;
