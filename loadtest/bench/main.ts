// npm run bench [-- --quick] [--json FILE]: 0 with figures, 1 where one could not be measured or the audit differs.
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { audit } from '../../infra/audit/audit.ts';
import { describeShortly } from '../../infra/audit/print.ts';
import { endRequested, unlessEnded } from '../../infra/native/signals.ts';
import { canMeasureCpu } from '../figures/cpu.ts';
import { readEnvironment } from '../figures/environment.ts';
import { openEnvironment } from './environment.ts';
import { findPgbench } from './ledger.ts';
import { type BenchResult, describeResult, describeRow, type Row, resultAsJson } from './report.ts';
import { measureRun } from './run.ts';
import { FULL, QUICK, type Settings } from './settings.ts';

const USAGE = 'usage: npm run bench [-- --quick] [--json FILE]';

async function run(end: AbortSignal): Promise<number> {
  const { quick, json } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'string' } } }).values;
  const settings = quick ? QUICK : FULL;
  if (!canMeasureCpu()) throw new Error('the bench counts CPU seconds, which it can on Linux only');
  findPgbench();
  if (quick) log('quick, to see that it works: these figures do not count');
  const result: BenchResult = { rows: [], cpuMs: [] };
  for (let number = 1; number <= settings.runs; number++) {
    log(`run ${number} of ${settings.runs}: starting three servers, five services and the references`);
    await addRun(result, number, settings, end);
  }
  console.log(['', ...describeResult(result, settings)].join('\n'));
  if (json) await writeFile(json, `${JSON.stringify(resultAsJson(result, settings), null, 2)}\n`);
  return 0;
}

/** On a fresh stack. The figures of a shop that lost an order or sold a unit twice would be worth nothing. */
async function addRun(result: BenchResult, number: number, settings: Settings, end: AbortSignal): Promise<void> {
  await using environment = await openEnvironment(settings, end, log);
  const { stores, stack, signal } = environment;
  const onRow = (row: Row) => {
    result.rows.push(row);
    log(describeRow(row));
  };
  result.cpuMs.push(await unlessEnded(signal, measureRun(environment, number, onRow)));
  result.environment ??= await readEnvironment(stores, stack.amqpUrl);
  const audited = await audit(stores, { atRest: true, withinMs: 60_000 });
  if (!audited.ok) throw new Error(['the audit finds differences:', ...describeShortly(audited)].join('\n'));
  log(`audit: all ${audited.checks.length} checks hold`);
}

function log(line: string): void {
  const seconds = Math.floor(performance.now() / 1_000);
  console.log(`${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}  ${line}`);
}

// Between two timers nothing else may keep the process alive.
setInterval(() => undefined, 60_000);
const end = endRequested();
const code = await run(end).catch((error) => {
  if (!end.aborted) console.error(error instanceof Error ? error.message : error);
  if (error?.code?.startsWith('ERR_PARSE_ARGS')) console.error(USAGE);
  return 1;
});
process.exit(end.aborted ? 128 + constants.signals[end.reason as NodeJS.Signals] : code);
