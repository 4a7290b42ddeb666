// The comparison: a stack of its own, a warm-up, every run in turn, and one folder with the report.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStores } from '../../infra/audit/stores.ts';
import { createBank } from '../../infra/clients/bank.ts';
import { findK6 } from '../../infra/k6/k6.ts';
import { ROOT } from '../../infra/native/leftovers.ts';
import { type Replicas, replicasFrom } from '../../infra/native/replicas.ts';
import { unlessEnded } from '../../infra/native/signals.ts';
import { startStack } from '../../infra/native/stack.ts';
import { writeK6AddressBook } from '../course/write-address-book.ts';
import { readEnvironment } from '../figures/environment.ts';
import { count } from '../figures/format.ts';
import { chart } from './chart.ts';
import { html, markdown } from './markdown.ts';
import { CONFIGURATION, describeConfiguration, type Mode, orderOf, planOf, type Turn, warmUpOf } from './plan.ts';
import { nameOf, type Ran, runTurn } from './run.ts';
import { describeRun, type Summary, summaryOf } from './summary.ts';

/** By name; anything else in the folder is not the report's. */
const WRITTEN = ['report.md', 'report.html', 'peak.svg', 'calm.svg', 'summary.json', 'k6.json'];

export interface How {
  log(line: string): void;
  signal: AbortSignal;
}

/** Throws when there is no k6, or when the stack cannot be used; a run that does not count stands in the summary. */
export async function comparePaths(quick: boolean, out: string, { log, signal }: How): Promise<Summary> {
  const plan = planOf(quick);
  const replicas = replicasFrom();
  const processes = { ...CONFIGURATION.processes, ...replicas };
  const configuration = { ...CONFIGURATION, processes, runs: plan.runs };
  // Nothing of an earlier report must be taken for this one's.
  for (const written of WRITTEN) rmSync(join(out, written), { force: true });
  mkdirSync(out, { recursive: true });
  await using undo = new AsyncDisposableStack();
  const setup = await setUp(Math.max(...plan.cases.map(({ buyers }) => buyers)), undo, { log, signal, replicas });
  for (const line of describeConfiguration(configuration)) log(line);
  const ran = await unlessEnded(signal, everyRun(setup, warmUpOf(plan), orderOf(plan), log));
  const { stores, stack, k6 } = setup;
  const environment = { ...(await readEnvironment(stores, stack.amqpUrl)), k6: k6.version };
  const several = replicas.gateway + replicas.orders > 2;
  const prefix = several ? `GATEWAYS=${replicas.gateway} WORKERS=${replicas.orders} ` : '';
  const command = `${prefix}npm run loadtest${quick ? ' -- --quick' : ''}`;
  const summary = summaryOf({ command, environment, configuration }, plan, ran);
  await writeReport(out, summary, ran);
  log('stopping');
  return summary;
}

export type Setup = Awaited<ReturnType<typeof setUp>>;

async function setUp(
  buyers: number,
  undo: AsyncDisposableStack,
  { log, signal, replicas }: How & { replicas: Replicas },
) {
  const k6 = await findK6(log);
  log(`k6 ${k6.version} (${k6.how}); starting three servers and five services, all private to this run`);
  const scratch = mkdtempSync(join(tmpdir(), 'flashsale-loadtest-'));
  undo.defer(() => rmSync(scratch, { recursive: true }));
  /** Every process that has ended by itself so far, added as it happens. */
  const deaths: string[] = [];
  const stack = await startStack({
    dir: join(ROOT, `.local/loadtest-${process.pid}`),
    settings: { gateway: CONFIGURATION.gateway },
    replicas,
    onEvent: ({ service, event }) => event === 'exited' && deaths.push(service),
    onLost: (server) => deaths.push(server),
    signal,
  });
  undo.defer(stack.stop);
  const stores = openStores(stack);
  undo.defer(stores.close);
  const addressBook = join(scratch, 'address-book.json');
  writeK6AddressBook(addressBook, stack, buyers);
  return { stack, stores, bank: createBank(stack.bankUrl, stack.bankApiKey), k6, addressBook, scratch, deaths, signal };
}

async function everyRun(setup: Setup, warmUp: Turn[], turns: Turn[], log: How['log']): Promise<Ran[]> {
  for (const turn of warmUp) {
    log(`warming up: ${count(turn.case.buyers)} buyers, ${turn.mode}, uncounted`);
    await runTurn(setup, turn);
  }
  const ran: Ran[] = [];
  for (const turn of turns) {
    const run = await runTurn(setup, turn);
    ran.push(run);
    log(`${ran.length}/${turns.length}  ${progress(run)}`);
  }
  return ran;
}

function progress({ invalid, audit, facts, ...turn }: Ran): string {
  const { yes, no, confirmed, refusedWhileStockLasted } = facts.figures;
  const responses = `${count(yes)} yes · ${count(no.busy)} busy · ${count(no.soldOut)} sold out`;
  const sold = `${count(confirmed)} confirmed · ${count(refusedWhileStockLasted)} refused too early`;
  const why = invalid.map(({ why }) => why).join('; ');
  const verdict = why ? `✗ ${why}` : `✓ audit ${audit.holding} of ${audit.checks}`;
  return `${describeRun(turn)}: ${responses} · ${sold} · ${verdict}`;
}

async function writeReport(folder: string, summary: Summary, ran: Ran[]): Promise<void> {
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  write('summary.json', json(summary));
  write('k6.json', json(Object.fromEntries(ran.map((run) => [nameOf(run), run.k6Summary]))));
  const pictures: Record<string, string> = {};
  for (const each of summary.cases) {
    const of = (mode: Mode) => middleFirst(ran.filter((run) => run.case === each.name && run.mode === mode));
    const svg = await chart(each, { queued: of('queued'), direct: of('direct') });
    pictures[`${each.name}.svg`] = svg;
    write(`${each.name}.svg`, svg);
  }
  write('report.md', markdown(summary));
  write('report.html', html(markdown(summary), pictures));
}

/** The timelines, first that of the run that sold a middling number: the one to be drawn in full. */
function middleFirst(ran: Ran[]): Ran['timeline'][] {
  const sorted = ran.toSorted((a, b) => a.facts.figures.confirmed - b.facts.figures.confirmed);
  const middle = sorted.splice(Math.floor((sorted.length - 1) / 2), 1);
  return [...middle, ...sorted].map(({ timeline }) => timeline);
}
