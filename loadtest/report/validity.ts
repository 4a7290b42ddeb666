// When a run does not count. The rules stand here before anything is measured, and none is bent afterwards.
import type { AuditResult } from '../../infra/audit/audit.ts';

export interface Evidence {
  exitCode: number;
  dropped: number;
  buyers: number;
  clicks: number;
  lateMs: { p99: number };
  /** Services and servers that ended in the run. */
  deaths: string[];
  /** Orders that a buyer was told of, without an end. */
  undecided: number;
  audit: Pick<AuditResult, 'ok' | 'checks'>;
}

/**
 * A generator that sends every hundredth click this late is out of breath: it no longer makes the arrivals that the report
 * speaks of. A tenth of a second is what people notice (Nielsen's limits).
 */
const MOST_LATE_MS = 100;

/** k6's own for "a threshold was crossed". */
const THRESHOLD = 99;

export interface Invalid {
  why: string;
  /** Whether the crowd was not what it was to be, or the shop; only the first may be put down to a busy machine. */
  whose: 'crowd' | 'shop';
}

export function whyInvalid(evidence: Evidence): Invalid[] {
  const whole = aboutTheCrowd(evidence);
  const crowd = [...whole, ...late(evidence)].map((why): Invalid => ({ why, whose: 'crowd' }));
  return [...crowd, ...aboutTheShop(evidence, whole.length === 0).map((why): Invalid => ({ why, whose: 'shop' }))];
}

const aboutTheCrowd = ({ dropped, clicks, buyers }: Evidence) => [
  ...(dropped > 0 ? [`k6 dropped ${dropped} iterations`] : []),
  ...(clicks !== buyers ? [`${clicks} clicks were made of ${buyers}`] : []),
];

const late = ({ lateMs }: Evidence) =>
  lateMs.p99 > MOST_LATE_MS ? [`the generator was saturated: p99 ${Math.round(lateMs.p99)} ms late`] : [];

function aboutTheShop({ exitCode, deaths, undecided, audit }: Evidence, crowdWasWhole: boolean): string[] {
  const differences = audit.checks.filter(({ ok }) => !ok).map(({ name }) => name);
  return [
    // A crowd that was not whole crosses the script's own thresholds on it, which say nothing of the shop.
    ...(exitCode === THRESHOLD && crowdWasWhole ? ['a threshold of the script was crossed'] : []),
    ...(exitCode !== 0 && exitCode !== THRESHOLD ? [`k6 ended with code ${exitCode}`] : []),
    ...deaths.map((name) => `${name} ended in the middle of it`),
    ...(undecided > 0 ? [`${undecided} orders had no final result`] : []),
    ...(audit.ok ? [] : [`the audit found a difference: ${differences.join(', ')}`]),
  ];
}
