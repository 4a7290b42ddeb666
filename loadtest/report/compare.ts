// The comparison's story: a stack of its own, a warm-up, every run in turn, and one folder that tells of them.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { openStores } from '../../infra/audit/stores.ts';
import { createBank } from '../../infra/clients/bank.ts';
import { findK6 } from '../../infra/k6/k6.ts';
import { ROOT } from '../../infra/native/leftovers.ts';
import { unlessEnded } from '../../infra/native/signals.ts';
import { startStack } from '../../infra/native/stack.ts';
import { writeK6AddressBook } from '../course/write-address-book.ts';
import { readEnvironment } from '../figures/environment.ts';
import { count } from '../figures/format.ts';
import { CONFIGURATION, describeConfiguration, orderOf, type Plan, planOf, warmUpOf } from './plan.ts';
import { type Laboratory, type Ran, runRoad } from './run.ts';
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

/** What is to be ended, the last first. */
type Undo = (() => Promise<unknown> | unknown)[];

/** Throws when there is no k6, or when the stack cannot be used; a run that does not count is told in the summary. */
export async function compareRoads({ quick, out, command, say, signal }: CompareOptions): Promise<Summary> {
  const plan = planOf(quick);
  const configuration = { ...CONFIGURATION, rounds: plan.rounds };
  const undo: Undo = [];
  try {
    const laboratory = await setUp({ plan, out, say, signal, undo });
    for (const line of describeConfiguration(configuration)) say(line);
    const measuring = warmUp(laboratory, plan, say).then(() => everyRun(laboratory, plan, say));
    const ran = await unlessEnded(signal, measuring);
    const { stores, stack, k6 } = laboratory;
    const environment = { ...(await readEnvironment(stores, stack.amqpUrl)), k6: k6.version };
    const summary = summaryOf({ command, environment, configuration, plan, runs: ran.map(({ run }) => run) });
    writeReport(out, summary, ran);
    return summary;
  } finally {
    say('stopping');
    for (const step of undo.toReversed())
      await Promise.resolve(step()).catch((error) => say(`while stopping: ${error}`));
  }
}

type SetUp = Pick<CompareOptions, 'out' | 'say' | 'signal'> & { plan: Plan; undo: Undo };

async function setUp({ plan, out, say, signal, undo }: SetUp): Promise<Laboratory> {
  const k6 = await findK6(say);
  say(`k6 ${k6.version} (${k6.how}); starting three servers and five services, all private to this run`);
  const summaries = join(out, 'k6');
  // Of an earlier report nothing must be taken for this one's.
  for (const written of WRITTEN) rmSync(join(out, written), { recursive: true, force: true });
  mkdirSync(summaries, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'flashsale-loadtest-'));
  undo.push(() => rmSync(scratch, { recursive: true }));
  const deaths: string[] = [];
  const stack = await startStack({
    dir: join(ROOT, `.local/loadtest-${process.pid}`),
    settings: { gateway: CONFIGURATION.gateway },
    onEvent: ({ service, event }) => event === 'exited' && deaths.push(service),
    onLost: (server) => deaths.push(server),
    signal,
  });
  undo.push(stack.stop);
  const stores = openStores(stack);
  undo.push(stores.close);
  const venueFile = join(scratch, 'venue.json');
  writeK6AddressBook(venueFile, stack, Math.max(...plan.cases.map(({ buyers }) => buyers)));
  const bank = createBank(stack.bankUrl, stack.bankApiKey);
  return { stack, stores, bank, k6, venueFile, scratch, summaries, deaths, signal };
}

async function warmUp(laboratory: Laboratory, plan: Plan, say: CompareOptions['say']): Promise<void> {
  for (const turn of warmUpOf(plan)) {
    say(`warming up: ${count(turn.case.buyers)} buyers, ${turn.road}, uncounted`);
    await runRoad({ ...laboratory, summaries: laboratory.scratch }, turn);
  }
}

async function everyRun(laboratory: Laboratory, plan: Plan, say: CompareOptions['say']): Promise<Ran[]> {
  const ran: Ran[] = [];
  const turns = orderOf(plan);
  for (const turn of turns) {
    const one = await runRoad(laboratory, turn);
    ran.push(one);
    say(`${ran.length}/${turns.length}  ${progress(one)}`);
  }
  return ran;
}

function progress({ run }: Ran): string {
  const { yes, no, confirmed, turnedAwayWhileUnsold } = run.facts.figures;
  const told = `${count(yes)} yes · ${count(no.busy)} busy · ${count(no.soldOut)} sold out`;
  const counts =
    run.invalid.length > 0
      ? `✗ ${run.invalid.map(({ why }) => why).join('; ')}`
      : `✓ audit ${run.audit.holding} of ${run.audit.checks}`;
  return `${describeRun(run)}: ${told} · ${count(confirmed)} confirmed · ${count(turnedAwayWhileUnsold)} turned away too early · ${counts}`;
}

export const shown = (out: string) => relative(process.cwd(), out) || '.';
