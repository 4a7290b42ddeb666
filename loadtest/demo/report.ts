// The text and the JSON of a run: the circumstances and claims, then the table, its sentences and the verdict.
import { asJson, describeShortly } from '../../infra/audit/print.ts';
import { describeEnvironment } from '../figures/environment.ts';
import type { PathFigures, Percentiles } from '../figures/figures.ts';
import { count, duration, percent, WIDTH, wrap } from '../figures/format.ts';
import { sentences } from '../figures/sentences.ts';
import { type Claim, claimsOf, runsOf } from './claims.ts';
import type { Accident, DemoResult, PathRun } from './demo.ts';
import { inFlightPerGateway, type Settings } from './settings.ts';

const LATE_WORTH_REPORTING_MS = 200;

/** The circumstances, and every claim: this scrolls away above the summary. */
export const describeRun = (result: DemoResult, settings: Settings): string[] => [
  '',
  ...footnotes(result),
  // Its processes are known, and one of them is killed, exactly where the stack is the demo's own.
  ...describeSettings(settings, result.processes, result.accident?.victim),
  ...describeEnvironment(result.environment),
  '',
  ...claimsOf(result, settings).map(({ ok, text }) => `${ok ? '✓' : '✗'} ${text}`),
  ...(result.accident ? [] : ['– accident: left out, the processes belong to another command']),
  ...runsOf(result)
    .flatMap(({ audits }) => [audits.inFlight, audits.atRest])
    .concat(result.holds.atRest)
    .filter(({ ok }) => !ok)
    .flatMap(describeShortly),
];

/** The last screen: it fits 80 × 24 together with a line about the ending, one for Ctrl-C and the prompt. */
export function describeSummary(result: DemoResult, settings: Settings): string[] {
  const { queued, direct, accident } = result;
  const { units, bank } = settings;
  const compared = { units, chargesPerSecond: bank.chargesPerSecond, queued: queued.figures, direct: direct.figures };
  return [
    '',
    ...table(queued, direct),
    ...sentences(compared).flatMap((sentence) => wrap(sentence, WIDTH)),
    verdict(claimsOf(result, settings), accident),
  ];
}

const LABEL = 44;
const COLUMN = 17;
type Column = Pick<PathRun, 'figures' | 'bankIdleShare'>;

const ROWS: [label: string, figure: (path: PathFigures) => string][] = [
  // These three add up to all buyers.
  ['  yes', ({ yes }) => count(yes)],
  ['  no: sold out · busy · too late', ({ no }) => list(no.soldOut, no.busy, no.tooLate)],
  [
    '  other no · no response in time · errors',
    (path) => list(path.no.limit + path.no.notOpen, path.timedOut, path.errors),
  ],
  ['refused while stock lasted', (path) => count(path.refusedWhileStockLasted)],
  ['sold by the last click · in the end', (path) => list(path.confirmedAtLastClick, path.confirmed)],
  ['unsold · unknown at the end', ({ unsold, unknown }) => list(unsold, unknown)],
  ['until a yes              p50 / p99', ({ responseMs }) => both(responseMs.yes)],
  ['until a no               p50 / p99', ({ responseMs }) => both(responseMs.no)],
  ['click to final result    p50 / p99', ({ clickToFinalMs }) => both(clickToFinalMs)],
  ['longest queue · drained after last click', (path) => `${count(path.longestQueue)} · ${duration(path.drainedMs)}`],
];

export const table = (queued: Column, direct: Column): string[] => [
  cells(`of ${count(queued.figures.offered)} who clicked`, 'queued', 'direct'),
  '─'.repeat(LABEL + 2 * COLUMN),
  ...ROWS.map(([label, figure]) => cells(label, figure(queued.figures), figure(direct.figures))),
  cells('bank idle until the last click', percent(queued.bankIdleShare), percent(direct.bankIdleShare)),
  '─'.repeat(LABEL + 2 * COLUMN),
];

const list = (...counts: number[]) => counts.map(count).join(' · ');
const both = ({ p50, p99 }: Percentiles) => `${duration(p50)} / ${duration(p99)}`;

/** A column that needs more room takes it from the label's. */
function cells(label: string, ...columns: string[]): string {
  const right = columns.map((column) => ` ${column}`.padStart(COLUMN)).join('');
  return `${label.padEnd(LABEL + 2 * COLUMN - right.length)}${right}`;
}

export function verdict(all: Claim[], accident: Accident | null): string {
  const broken = all.filter(({ ok }) => !ok);
  const survived =
    accident && `; kill -9 of ${accident.victim} lost none of ${count(accident.run.figures.yes)} accepted orders`;
  if (!broken[0]) return `✓ all ${all.length} claims above hold${survived ?? ''}`;
  const fail = broken.length > 1 ? 'do not hold, first' : 'does not hold';
  return `✗ ${broken.length} of ${all.length} claims above ${fail}: ${broken[0].name}`;
}

/** On a stack that is not the demo's own its gateways' settings are unknown, and no accident happens there. */
export function describeSettings(settings: Settings, processes: DemoResult['processes'], victim?: string): string[] {
  const { units, buyers, burstSeconds, clientTimeoutMs, bank, direct, warmUp, hold, accident } = settings;
  const { latencyMs, declineRate, errorRate, lateRate } = bank;
  const wait = `each once, waiting at most ${duration(clientTimeoutMs)}`;
  const capacity = `${bank.chargesPerSecond} charges/s, then p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms`;
  const most = `at most ${count(inFlightPerGateway(processes?.gateways))} calls in flight per gateway`;
  const small = `${count(accident.buyers)} buyers in ${accident.burstSeconds} s, ${count(accident.units)} units`;
  return [
    ...describeProcesses(processes),
    `${count(units)} units, ${count(buyers)} buyers in ${burstSeconds} s, evenly, ${wait}`,
    `bank: ${capacity}; declines ${declineRate}, errors ${errorRate}, late ${lateRate}`,
    `hold: ${count(hold.buyers)} buyers in ${hold.burstSeconds} s, queued; a hold lasts ${hold.holdSeconds} s`,
    ...(victim
      ? [
          `direct: deadline ${duration(direct.deadlineMs)}, ${most}`,
          `accident: ${small}, queued; ${victim} is killed at ${count(accident.killedAtYes)} yes`,
        ]
      : []),
    `warmed, uncounted: ${count(warmUp.buyers)} buyers on each path, at a bank without limit`,
  ];
}

const describeProcesses = (processes: DemoResult['processes']) =>
  processes && processes.gateways + processes.workers > 2
    ? [`gateways: ${processes.gateways}, orders workers: ${processes.workers}, one of each other service`]
    : [];

function footnotes({ queued, direct }: DemoResult): string[] {
  const [worst, latest] = (['p99', 'max'] as const).map((rank) => Math.max(queued.lateMs[rank], direct.lateMs[rank]));
  return [
    'Final result of a sold unit: the response where that is a 201, else the decision',
    "in the orders database; clicks and database go by this machine's clock.",
    `Waiting is counted from when a click was due; the latest was sent ${duration(latest ?? 0)} late.`,
    ...((worst ?? 0) > LATE_WORTH_REPORTING_MS
      ? [`This machine was too slow to click in time: p99 ${duration(worst ?? 0)} late.`]
      : []),
  ];
}

/** The audit is the one at the end: it covers every sale. */
export function runAsJson({ environment, processes, queued, direct, holds, accident }: DemoResult, settings: Settings) {
  const { ok, checks } = asJson(accident?.run.audits.atRest ?? holds.atRest);
  const { ended, reserved, remaining } = holds;
  return {
    ...{ environment, processes, settings, queued: queued.figures, direct: direct.figures },
    holds: { ended, reserved, remaining },
    accident: accident && { figures: accident.run.figures, awayMs: accident.awayMs },
    audit: { ok, checks },
  };
}
