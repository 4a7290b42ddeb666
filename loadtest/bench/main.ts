// npm run bench [-- --quick] [--json FILE]: 0 with figures, 1 when something could not be measured or the audit differs.
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { endRequested } from '../../infra/native/signals.ts';
import { canMeasureCpu } from '../figures/cpu.ts';
import { runBench } from './bench.ts';
import { findPgbench } from './ledger.ts';
import { describeResult, describeRow, resultAsJson } from './report.ts';
import { FULL, QUICK } from './settings.ts';

const USAGE = 'usage: npm run bench [-- --quick] [--json FILE]';

function options() {
  try {
    return parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } } }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(1);
  }
}

async function run(end: AbortSignal): Promise<void> {
  const { quick, json } = options();
  const settings = quick ? QUICK : FULL;
  if (!canMeasureCpu()) throw new Error('the bench counts CPU seconds, which it can on Linux only');
  findPgbench();
  const began = performance.now();
  const say = (line: string) => console.log(`${clock(performance.now() - began)}  ${line}`);
  if (quick) say('quick, to see that it works: these figures do not count');
  const result = await runBench({ settings, end, say, onRow: (row) => say(describeRow(row)) });
  console.log(['', ...describeResult(result, settings)].join('\n'));
  if (json) await writeFile(json, `${JSON.stringify(resultAsJson(result, settings), null, 2)}\n`);
}

const clock = (ms: number) =>
  `${String(Math.floor(ms / 60_000)).padStart(2)}:${String(Math.floor(ms / 1_000) % 60).padStart(2, '0')}`;

// Between two ticks nothing else may be open.
setInterval(() => undefined, 60_000);
const end = endRequested();
process.exitCode = await run(end).then(
  () => 0,
  (error) => {
    if (!end.aborted) console.error(error instanceof Error ? error.message : error);
    return 1;
  },
);
process.exit(end.aborted ? 128 + constants.signals[end.reason as NodeJS.Signals] : process.exitCode);
