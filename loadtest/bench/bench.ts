// The bench: rounds, each on a fresh stack that is audited at its end.
import { audit } from '../../infra/audit/audit.ts';
import { describeShortly } from '../../infra/audit/print.ts';
import { type Environment, readEnvironment } from '../figures/environment.ts';
import type { Row } from './ratios.ts';
import { runRound } from './round.ts';
import type { Settings } from './settings.ts';
import { openVenue, type Undo, type Venue } from './venue.ts';
import { wrkVersion } from './wrk.ts';

export interface BenchResult {
  environment: Environment & { wrk: string };
  rows: Row[];
  /** Of each round. */
  cpuMs: Record<string, number>[];
}

export interface BenchOptions {
  settings: Settings;
  end: AbortSignal;
  say: (line: string) => void;
  onRow: (row: Row) => void;
}

const REST_WITHIN_MS = 60_000;

export async function runBench({ settings, end, say, onRow }: BenchOptions): Promise<BenchResult> {
  const rows: Row[] = [];
  const cpuMs: BenchResult['cpuMs'] = [];
  let environment: Environment | undefined;
  for (let number = 1; number <= settings.rounds; number++) {
    say(`round ${number} of ${settings.rounds}: starting three servers, five services and the references`);
    await onVenue({ settings, end }, say, async (venue) => {
      const round = await runRound(venue, { number, say, onRow });
      rows.push(...round.rows);
      cpuMs.push(round.cpuMs);
      environment ??= await readEnvironment(venue.stores, venue.stack.amqpUrl);
      await assertSound(venue, say);
    });
  }
  if (!environment) throw new Error('no round was run');
  return { environment: { ...environment, wrk: wrkVersion() }, rows, cpuMs };
}

type Where = { settings: Settings; end: AbortSignal };

async function onVenue(where: Where, say: (line: string) => void, work: (venue: Venue) => Promise<void>) {
  const undo: Undo = [];
  try {
    await work(await openVenue({ ...where, undo }));
  } finally {
    for (const step of undo.toReversed()) await step().catch((error) => say(`while stopping: ${error}`));
  }
}

/** A figure of a shop that lost or sold twice what it sold would be worth nothing. */
async function assertSound({ stores }: Venue, say: (line: string) => void): Promise<void> {
  const result = await audit(stores, { atRest: true, patienceMs: REST_WITHIN_MS });
  if (!result.ok) throw new Error(['the audit finds differences:', ...describeShortly(result)].join('\n'));
  say(`audit: all ${result.checks.length} checks hold`);
}
