// The project's claims about itself, held against the figures of one run.
import type { AuditResult } from '../../infra/audit/audit.ts';
import type { PathFigures } from '../figures/figures.ts';
import { count, duration, percent } from '../figures/format.ts';
import type { Accident, DemoResult, PathRun } from './demo.ts';
import type { HoldRun } from './holds.ts';
import type { Settings } from './settings.ts';

export interface Claim {
  ok: boolean;
  /** Short enough for the verdict's line. */
  name: string;
  text: string;
}
type Row = [ok: boolean, name: string, text: string];

/** A share of the time: the first calls need a moment to reach the bank, and the machine is shared. */
const MOST_IDLE = 0.2;

export function claimsOf(result: DemoResult, settings: Settings): Claim[] {
  const { queued, direct, holds, accident } = result;
  const about = (rows: Row[], name: string, subject = name) =>
    rows.map(([ok, short, text]) => ({ ok, name: `${name}: ${short}`, text: `${subject}: ${text}` }));
  return [
    ...about(queuedClaims(queued, settings.units), 'queued'),
    ...about(directClaims(direct, settings.units), 'direct'),
    ...about(holdClaims(holds, settings.hold.buyers), 'hold'),
    ...(accident
      ? about(accidentClaims(accident, settings.accident.units), 'kill -9', `kill -9 of ${accident.victim}`)
      : []),
    ...auditClaims(runsOf(result), holds.atRest),
  ];
}

export const runsOf = ({ queued, direct, accident }: Pick<DemoResult, 'queued' | 'direct' | 'accident'>) => [
  queued,
  direct,
  ...(accident ? [accident.run] : []),
];

function queuedClaims({ figures, untrueYes }: PathRun, units: number): Row[] {
  const { yes, confirmed, refusedWhileStockLasted: early } = figures;
  const sold = `${count(confirmed)} confirmed, ${count(untrueYes)} yes that did not hold`;
  return [
    [yes === units, 'a yes for each unit', `${count(yes)} got a yes, of ${count(units)} units`],
    [confirmed === units && untrueYes === 0, 'all sold, each yes held', sold],
    [early === 0, 'none refused too early', `${count(early)} refused while stock lasted`],
    noFailure(figures),
  ];
}

function directClaims({ figures, untrueYes, bankIdleShare: idle }: PathRun, units: number): Row[] {
  const { yes, confirmedAtLastClick: sold } = figures;
  const idled = `the bank was idle ${percent(idle)} of the time buyers waited (under ${percent(MOST_IDLE)})`;
  return [
    [yes > 0 && untrueYes === 0, 'each yes held', `${count(yes)} got a yes, ${count(untrueYes)} yes that did not hold`],
    [idle !== null && idle < MOST_IDLE, 'the bank was kept busy', idled],
    [sold < units, 'unsold at the last click', `${count(sold)} of ${count(units)} sold by the last click`],
    refusedAtOnce(figures),
    noFailure(figures),
  ];
}

/** A third of the buyers pays, a third cancels, and a third lets the hold expire. */
function holdClaims({ ended, reserved, remaining }: HoldRun, buyers: number): Row[] {
  const third = buyers / 3;
  const { confirmed = 0, cancelled = 0, expired = 0 } = ended;
  const asPlanned = [confirmed, cancelled, expired].every((orders) => orders === third);
  return [
    [
      reserved === buyers,
      'all reserved first',
      `${count(reserved)} of ${count(buyers)} reserved before anything was paid`,
    ],
    [
      asPlanned,
      'paid, cancelled, expired',
      `${confirmed} paid and confirmed, ${cancelled} cancelled, ${expired} expired`,
    ],
    [
      remaining === buyers - third,
      'the rest is on sale again',
      remaining === null
        ? 'unpaid units did not come back'
        : `${count(remaining)} units that were not paid are on sale again`,
    ],
  ];
}

function refusedAtOnce({ no, responseMs }: PathFigures): Row {
  const refused = no.soldOut + no.busy + no.tooLate + no.limit + no.notOpen;
  const [yesMs, noMs] = [responseMs.yes.p50, responseMs.no.p50];
  // Relative, because how fast is a matter of the machine.
  const atOnce = yesMs !== null && noMs !== null && noMs < yesMs / 2;
  const late = no.tooLate ? ` (${count(no.tooLate)} late)` : '';
  return [
    no.busy > 0 && no.busy + no.tooLate === refused && atOnce,
    'refused with 503, at once',
    `${count(no.busy)} of ${count(refused)} refused with 503${late}; in ${duration(noMs)}, a yes in ${duration(yesMs)}`,
  ];
}

const noFailure = ({ errors, unknown }: PathFigures): Row => [
  errors === 0 && unknown === 0,
  'no error, nothing unknown',
  `${count(errors)} errors, ${count(unknown)} outcomes unknown at the end`,
];

function accidentClaims({ run, awayMs }: Accident, units: number): Row[] {
  const { yes, unknown, errors, refusedWhileStockLasted: early } = run.figures;
  // Accepted, and without a final result; or with another one than was promised, since nothing declines here.
  const lost = Math.max(unknown, run.untrueYes);
  const failed = `${count(early)} refused while stock lasted, ${count(errors)} errors`;
  return [
    [lost === 0 && yes > 0, 'no accepted order lost', `${count(lost)} of ${count(yes)} accepted orders lost`],
    [awayMs !== null, 'restarted', `restarted, ready after ${duration(awayMs)}`],
    [yes === units && early === 0 && errors === 0, 'all sold, no error', failed],
  ];
}

function auditClaims(runs: Pick<PathRun, 'audits'>[], afterHolds: AuditResult): Claim[] {
  const claim = (audits: AuditResult[], name: string, when: string): Claim => {
    const checks = audits.flatMap((audit) => audit.checks);
    const holding = `${checks.filter((check) => check.ok).length} of ${checks.length} checks hold`;
    return { ok: audits.every(({ ok }) => ok), name, text: `${name}, ${when}: ${holding}` };
  };
  return [
    claim(
      runs.map(({ audits }) => audits.inFlight),
      'audit in flight',
      'at each last click',
    ),
    claim([...runs.map(({ audits }) => audits.atRest), afterHolds], 'audit at rest', 'after each run'),
  ];
}
