// What a run is told as: text for people, JSON for whoever calculates with it.
import { join, relative } from 'node:path';
import type { StackInfo } from '../../infra/native/stack.ts';
import { asJson, describeShortly } from '../audit/print.ts';
import { type Claim, claims, describeClaim } from './claims.ts';
import type { DemoResult } from './demo.ts';
import { describeEnvironment } from './environment.ts';
import { duration } from './format.ts';
import type { Settings } from './settings.ts';
import { describeSettings, table } from './table.ts';

const LATE_WORTH_SAYING_MS = 200;

export function claimsOf({ queued, direct }: DemoResult, settings: Settings): Claim[] {
  return claims({
    settings,
    queued: queued.figures,
    direct: direct.figures,
    directBankIdleShare: direct.bankIdleShare,
    untrueYes: { queued: queued.untrueYes, direct: direct.untrueYes },
    audits: [queued.audits, direct.audits],
  });
}

export function describeRun(result: DemoResult, settings: Settings): string[] {
  const { queued, direct, environment } = result;
  return [
    '',
    ...table(queued, direct),
    '',
    ...footnotes(result),
    ...describeSettings(settings),
    ...describeEnvironment(environment),
    '',
    ...claimsOf(result, settings).map(describeClaim),
    ...[queued, direct]
      .flatMap(({ audits }) => [audits.inFlight, audits.atRest])
      .filter(({ ok }) => !ok)
      .flatMap(describeShortly),
  ];
}

function footnotes({ queued, direct }: DemoResult): string[] {
  const worst = Math.max(queued.lateMs.p99, direct.lateMs.p99);
  return [
    `Waiting is counted from when a click was due; the latest was sent ${duration(Math.max(queued.lateMs.max, direct.lateMs.max))} late.`,
    ...(worst > LATE_WORTH_SAYING_MS
      ? [`This machine was too slow to click in time: p99 ${duration(worst)} late.`]
      : []),
    ...(queued.unknownAtFirst + direct.unknownAtFirst
      ? [`First answered 504 or not at all: ${queued.unknownAtFirst} queued, ${direct.unknownAtFirst} direct.`]
      : []),
  ];
}

/** The audit is the one at the end: it covers both sales. */
export const runAsJson = ({ environment, queued, direct }: DemoResult, settings: Settings) => {
  const { ok, checks } = asJson(direct.audits.atRest);
  return { environment, settings, queued: queued.figures, direct: direct.figures, audit: { ok, checks } };
};

export function describeStack(stack: StackInfo): string[] {
  const { gatewayUrl, bankUrl, addresses, databases, redisUrl, rabbitManagementUrl, pids, dir } = stack;
  const where: Record<string, string> = {
    gateway: gatewayUrl,
    orders: addresses.orders,
    inventory: addresses.inventory,
    payment: addresses.payment,
    bank: bankUrl,
    rabbitmq: new URL(rabbitManagementUrl).origin,
    redis: new URL(redisUrl).host,
    postgres: new URL(databases.orders).host,
  };
  const here = (file: string) => join(relative('', dir), file);
  return [
    '',
    'Everything stays up for you to look at:',
    ...Object.entries(where).map(([name, at]) => `  ${name.padEnd(10)} ${at.padEnd(24)} pid ${pids[name]}`),
    `  passwords  ${here('stack.json')}, logs ${here('logs')}`,
    'In another terminal: npm run audit · npm run token -- --buyer alice',
    'Ctrl-C stops it.',
  ];
}
