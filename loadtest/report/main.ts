// npm run loadtest [-- --quick] [--out DIR]: both roads compared, and a report of it: 0 when every run counts, 3 when
// one does not because this machine was too busy for the crowd, 1 when it is the shop's fault, or something broke.
// npm run loadtest -- SCRIPT: one script of the course in loadtest/k6; `list` names them.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../../infra/native/leftovers.ts';
import { endRequested } from '../../infra/native/signals.ts';
import { runScript } from '../course/course.ts';
import { compareRoads, shown } from './compare.ts';
import type { Summary } from './summary.ts';
import { wordsOf } from './words.ts';

const USAGE =
  'usage: npm run loadtest -- [--quick] [--out DIR]   or   npm run loadtest -- SCRIPT   (list: all of them)';

function options() {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } },
    allowPositionals: true,
  });
  if (positionals.length > 1 || (positionals.length === 1 && (values.quick || values.out))) throw new Error(USAGE);
  return { ...values, script: positionals[0] };
}

const began = performance.now();
const say = (line: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);

async function run(signal: AbortSignal): Promise<number> {
  const { quick, out = defaultFolder(), script } = options();
  if (script) return runScript(script, { say, signal });
  const command = `npm run loadtest${quick ? ' -- --quick' : ''}`;
  const summary = await compareRoads({ quick, out, command, say, signal });
  const { gives, costs, noHelp } = wordsOf(summary);
  console.log(['', ...gives, ...costs, ...noHelp, ''].join('\n'));
  for (const why of summary.invalid) console.log(`✗ ${why}`);
  console.log(
    `${summary.valid ? '✓ every run counts' : '✗ these figures do not count'}: ${shown(join(out, 'report.html'))}`,
  );
  return exitCodeOf(summary);
}

const TOO_BUSY = 3;

function exitCodeOf({ valid, runs }: Summary): number {
  if (valid) return 0;
  return runs.every(({ invalid }) => invalid.every(({ whose }) => whose === 'crowd')) ? TOO_BUSY : 1;
}

/** By the time of the run, so that none is written over. */
const defaultFolder = () =>
  join(ROOT, 'loadtest/results', new Date().toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-'));

// Between two ticks of the starting nothing else may be open.
setInterval(() => undefined, 60_000);
const end = endRequested();
try {
  process.exit(await run(end));
} catch (error) {
  if (!end.aborted) console.error(error instanceof Error ? error.message : error);
  process.exit(end.aborted ? 130 : 1);
}
