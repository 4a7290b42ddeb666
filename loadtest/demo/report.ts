// What a run is told as: text for people, JSON for whoever calculates with it.
import { asJson, describeShortly } from '../../infra/audit/print.ts';
import { describeEnvironment } from '../figures/environment.ts';
import { count, duration, WIDTH, wrap } from '../figures/format.ts';
import { type Claim, claims, describeClaim } from './claims.ts';
import type { Accident, DemoResult } from './demo.ts';
import { sentences } from './sentences.ts';
import type { Settings } from './settings.ts';
import { describeSettings, table } from './table.ts';

const LATE_WORTH_SAYING_MS = 200;

export function claimsOf({ queued, direct, accident }: DemoResult, settings: Settings): Claim[] {
  return claims({
    settings,
    queued: queued.figures,
    direct: direct.figures,
    directBankIdleShare: direct.bankIdleShare,
    untrueYes: { queued: queued.untrueYes, direct: direct.untrueYes },
    audits: auditsOf({ queued, direct, accident }),
    accident,
  });
}

const auditsOf = ({ queued, direct, accident }: Pick<DemoResult, 'queued' | 'direct' | 'accident'>) =>
  [queued, direct, ...(accident ? [accident.run] : [])].map(({ audits }) => audits);

/** The circumstances, and every claim: what scrolls away above the summary. */
export function describeRun(result: DemoResult, settings: Settings): string[] {
  return [
    '',
    ...footnotes(result),
    // The accident is left out exactly where the stack is somebody else's.
    ...describeSettings(settings, result.accident !== null),
    ...describeEnvironment(result.environment),
    '',
    ...claimsOf(result, settings).map(describeClaim),
    ...(result.accident ? [] : ['– accident: left out, the processes here are not ours to kill']),
    ...auditsOf(result)
      .flatMap(({ inFlight, atRest }) => [inFlight, atRest])
      .filter(({ ok }) => !ok)
      .flatMap(describeShortly),
  ];
}

/** What is left on the screen in the end: the table, what it says, and the verdict. */
export function describeSummary(result: DemoResult, settings: Settings): string[] {
  const { queued, direct } = result;
  const { units, bank } = settings;
  const compared = { units, chargesPerSecond: bank.chargesPerSecond, queued: queued.figures, direct: direct.figures };
  return [
    '',
    ...table(queued, direct),
    ...sentences(compared).flatMap((sentence) => wrap(sentence, WIDTH)),
    verdict(claimsOf(result, settings), result.accident),
  ];
}

export function verdict(all: Claim[], accident: Accident | null): string {
  const broken = all.filter(({ ok }) => !ok);
  const [first] = broken;
  const survived = accident && `; kill -9 of orders lost none of ${count(accident.run.figures.yes)} accepted orders`;
  if (!first) return `✓ all ${all.length} claims above hold${survived ?? ''}`;
  const fail = broken.length > 1 ? 'do not hold, first' : 'does not hold';
  return `✗ ${broken.length} of ${all.length} claims above ${fail}: ${first.name}`;
}

function footnotes({ queued, direct }: DemoResult): string[] {
  const worst = Math.max(queued.lateMs.p99, direct.lateMs.p99);
  return [
    'Final result of what was sold: the answer if that is a 201, else when the orders',
    "database says it was decided; clicks and database go by this machine's clock.",
    `Waiting is counted from when a click was due; the latest was sent ${duration(Math.max(queued.lateMs.max, direct.lateMs.max))} late.`,
    ...(worst > LATE_WORTH_SAYING_MS
      ? [`This machine was too slow to click in time: p99 ${duration(worst)} late.`]
      : []),
  ];
}

/** The audit is the one at the end: it covers every sale. */
export const runAsJson = ({ environment, queued, direct, accident }: DemoResult, settings: Settings) => {
  const { ok, checks } = asJson((accident?.run ?? direct).audits.atRest);
  const struck = accident && { figures: accident.run.figures, awayMs: accident.awayMs };
  return {
    environment,
    settings,
    queued: queued.figures,
    direct: direct.figures,
    accident: struck,
    audit: { ok, checks },
  };
};
