// npm run demo [-- --once] [--plain] [--json FILE]: 0 when every claim holds, 1 when one does not or something broke.
// It runs on a stack of its own, which is stopped in every case, or on the one that the environment names.
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeAddresses, isStackNamed, namedAddressBook } from '../../infra/address-book/address-book.ts';
import { openStores } from '../../infra/audit/stores.ts';
import { createGenerator } from '../../infra/load/generator.ts';
import { LOCAL } from '../../infra/native/leftovers.ts';
import { type Replicas, replicasFrom } from '../../infra/native/replicas.ts';
import { endRequested, requested, unlessEnded } from '../../infra/native/signals.ts';
import { startStack } from '../../infra/native/stack.ts';
import { claimsOf } from './claims.ts';
import { runDemo } from './demo.ts';
import { createProgress, isScreen, type Progress } from './progress.ts';
import { describeRun, describeSummary, runAsJson } from './report.ts';
import { inFlightPerGateway, settings } from './settings.ts';

const USAGE = 'usage: npm run demo [-- --once] [--plain] [--json FILE]';
const TO_CHECK = '  to check   npm run audit   (in another terminal)';
const STAYS = 'Everything stays up for you to look at (addresses above); Ctrl-C stops it.';

const end = endRequested();
const lost = new AbortController();
const over = AbortSignal.any([end, lost.signal]);

async function main(): Promise<number> {
  const flag = { type: 'boolean', default: false } as const;
  const { once, plain, json } = parseArgs({ options: { once: flag, plain: flag, json: { type: 'string' } } }).values;
  const replicas = replicasFrom();
  const progress = createProgress(process.stdout, !plain && isScreen(process.stdout));
  let report: string[] = [];
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(async () => void print(report));
  cleanup.defer(async () => progress.end());
  const own = isStackNamed() ? undefined : await startOwn(progress, replicas);
  cleanup.defer(async () => own?.stop());
  cleanup.defer(async () => own && progress.phase('stopping'));
  const stack = own ?? (await namedAddressBook());
  const stores = cleanup.adopt(openStores(stack), ({ close }) => close());
  const generator = cleanup.adopt(createGenerator(), async ({ stop }) => void (await stop()));
  const [worker] = own?.services.orders ?? [];
  const killOrders = worker?.kill;
  const result = await unlessEnded(over, runDemo({ ...stack, ...settings, stores, generator, progress, killOrders }));
  const [run, summary] = [describeRun(result, settings), describeSummary(result, settings)];
  // Printed last of all, so that it stays on the screen.
  report = [...run, ...summary];
  if (json) await writeFile(json, `${JSON.stringify(runAsJson(result, settings), null, 2)}\n`);
  if (own && !once) {
    progress.end();
    print([...run, '', ...describeAddresses(own), TO_CHECK, ...summary, STAYS]);
    report = [];
    await requested(end);
  }
  return claimsOf(result, settings).every(({ ok }) => ok) ? 0 : 1;
}

function startOwn(progress: Progress, replicas: Replicas) {
  const { bank, direct } = settings;
  const { p50, p99 } = bank.latencyMs;
  progress.phase('starting three servers and five services, all private to this run');
  return startStack({
    dir: join(LOCAL, `demo-${process.pid}`),
    replicas,
    settings: {
      bank: { CHARGES_PER_SECOND: `${bank.chargesPerSecond}`, LATENCY_P50_MS: `${p50}`, LATENCY_P99_MS: `${p99}` },
      gateway: {
        DIRECT_DEADLINE_MS: `${direct.deadlineMs}`,
        DIRECT_MAX_IN_FLIGHT: `${inFlightPerGateway(replicas.gateway)}`,
      },
    },
    log: progress.log,
    onEvent: progress.service,
    onLost(server) {
      progress.log(`${server} has ended and is not started again`);
      lost.abort(new Error(`no demo without ${server}: npm run demo starts anew`));
    },
    signal: over,
  });
}

const print = (lines: string[]) => process.stdout.write(lines.map((line) => `${line}\n`).join(''));

// A terminal that was closed takes no more lines, and that must not end the cleaning up.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
// At some moments of the start nothing else keeps the process alive.
setInterval(() => undefined, 60_000);
const code = await main().catch((error) => {
  const isRequested = end.aborted && (error === end.reason || error.name === 'AbortError');
  if (!isRequested) console.error(error instanceof Error ? error.message : error);
  if (error.code?.startsWith('ERR_PARSE_ARGS')) console.error(USAGE);
  return 1;
});
process.exit(end.aborted ? 128 + constants.signals[end.reason as NodeJS.Signals] : code);
