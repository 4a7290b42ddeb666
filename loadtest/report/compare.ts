// The comparison: a stack of its own, a warm-up, every run in turn, and one folder with the report.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStores } from '../../infra/audit/stores.ts';
import { createBank } from '../../infra/clients/bank.ts';
import { findK6 } from '../../infra/k6/k6.ts';
import { ROOT } from '../../infra/native/leftovers.ts';
import { unlessEnded } from '../../infra/native/signals.ts';
import { startStack } from '../../infra/native/stack.ts';
import { writeVenue } from '../course/venue.ts';
import { readEnvironment } from '../figures/environment.ts';
import { count } from '../figures/format.ts';
import { CONFIGURATION, describeConfiguration, orderOf, type Plan, planOf, warmUpOf } from './plan.ts';
import { type Ran, runRoad } from './run.ts';
import { describeRun, type Summary, summaryOf } from './summary.ts';
import { WRITTEN, writeReport } from './write.ts';

export interface CompareOptions {
  quick: boolean;
  /** The folder that is written. */
  out: string;
  command: string;
  say(line: string): void;
  signal: AbortSignal;
}

/** Throws when there is no k6, or when the stack cannot be used; a run that does not count is told in the summary. */
export async function compareRoads({ quick, out, command, say, signal }: CompareOptions): Promise<Summary> {
  const plan = planOf(quick);
  const configuration = { ...CONFIGURATION, rounds: plan.rounds };
  // Nothing of an earlier report must be taken for this one's.
  for (const written of WRITTEN) rmSync(join(out, written), { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await using undo = new AsyncDisposableStack();
  const laboratory = await setUp(plan, { say, signal, undo });
  undo.defer(() => say('stopping'));
  for (const line of describeConfiguration(configuration)) say(line);
  const ran = await unlessEnded(signal, everyRun(laboratory, plan, say));
  const { stores, stack, k6 } = laboratory;
  const environment = { ...(await readEnvironment(stores, stack.amqpUrl)), k6: k6.version };
  const summary = summaryOf({ command, environment, configuration, plan, runs: ran });
  await writeReport(out, summary, ran);
  return summary;
}

export type Laboratory = Awaited<ReturnType<typeof setUp>>;
type SetUp = Pick<CompareOptions, 'say' | 'signal'> & { undo: AsyncDisposableStack };

async function setUp({ cases }: Plan, { say, signal, undo }: SetUp) {
  const k6 = await findK6(say);
  say(`k6 ${k6.version} (${k6.how}); starting three servers and five services, all private to this run`);
  const scratch = mkdtempSync(join(tmpdir(), 'flashsale-loadtest-'));
  undo.defer(() => rmSync(scratch, { recursive: true }));
  /** Every process that has ended by itself so far, added as it happens. */
  const deaths: string[] = [];
  const stack = await startStack({
    dir: join(ROOT, `.local/loadtest-${process.pid}`),
    settings: { gateway: CONFIGURATION.gateway },
    onEvent: ({ service, event }) => event === 'exited' && deaths.push(service),
    onLost: (server) => deaths.push(server),
    signal,
  });
  undo.defer(stack.stop);
  const stores = openStores(stack);
  undo.defer(stores.close);
  const addressBook = join(scratch, 'address-book.json');
  writeVenue(addressBook, stack, Math.max(...cases.map(({ buyers }) => buyers)));
  return { stack, stores, bank: createBank(stack.bankUrl, stack.bankApiKey), k6, addressBook, scratch, deaths, signal };
}

async function everyRun(laboratory: Laboratory, plan: Plan, say: CompareOptions['say']): Promise<Ran[]> {
  for (const turn of warmUpOf(plan)) {
    say(`warming up: ${count(turn.case.buyers)} buyers, ${turn.road}, uncounted`);
    await runRoad(laboratory, turn);
  }
  const ran: Ran[] = [];
  const turns = orderOf(plan);
  for (const turn of turns) {
    const one = await runRoad(laboratory, turn);
    ran.push(one);
    say(`${ran.length}/${turns.length}  ${progress(one)}`);
  }
  return ran;
}

function progress({ invalid, audit, facts, ...turn }: Ran): string {
  const { yes, no, confirmed, turnedAwayWhileUnsold } = facts.figures;
  const told = `${count(yes)} yes · ${count(no.busy)} busy · ${count(no.soldOut)} sold out`;
  const sold = `${count(confirmed)} confirmed · ${count(turnedAwayWhileUnsold)} turned away too early`;
  const why = invalid.map(({ why }) => why).join('; ');
  return `${describeRun(turn)}: ${told} · ${sold} · ${why ? `✗ ${why}` : `✓ audit ${audit.holding} of ${audit.checks}`}`;
}
