// npm run loadtest [-- --quick] [--out DIR] [--tries N]: both paths compared, and a report of it: 0 when every run
// counts, 3 when one does not because this machine was too busy for the load (after N tries, 1 by default), 1 when it
// is the shop's fault, or something broke.
// npm run loadtest -- SCRIPT: one script of the course in loadtest/k6; `list` names them.
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../../infra/native/leftovers.ts';
import { endRequested } from '../../infra/native/signals.ts';
import { runScript } from '../course/course.ts';
import { wordsOf } from '../figures/sentences.ts';
import { comparePaths } from './compare.ts';
import type { Summary } from './summary.ts';

const USAGE = `usage: npm run loadtest -- [--quick] [--out DIR] [--tries N]
   or: npm run loadtest -- SCRIPT   (list: all of them)`;
const TOO_BUSY = 3;

function options() {
  const { values, positionals } = parseArgs({
    options: {
      ...{ quick: { type: 'boolean', default: false }, out: { type: 'string' } },
      tries: { type: 'string', default: '1' },
    },
    allowPositionals: true,
  });
  const { quick, out = defaultFolder() } = values;
  const tries = Number(values.tries);
  const compares = quick || values.out !== undefined || tries !== 1;
  const isUsable = positionals.length === 0 || (positionals.length === 1 && !compares);
  if (!isUsable || !Number.isInteger(tries) || tries < 1) throw new Error(USAGE);
  return { quick, out, tries, script: positionals[0] };
}

/** By the time of the run, so that none is written over. */
const defaultFolder = () =>
  join(ROOT, 'loadtest/results', new Date().toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-'));

const began = performance.now();
const log = (line: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);

async function run(signal: AbortSignal): Promise<number> {
  const { quick, out, tries, script } = options();
  if (script) return runScript(script, { log, signal });
  // A machine may be busy for a moment with something else; a difference that the audit finds is never retried.
  for (let attempt = 1; ; attempt++) {
    const summary = await comparePaths(quick, out, { log, signal });
    printSummary(summary, out);
    const code = exitCodeOf(summary);
    if (code !== TOO_BUSY || attempt === tries) return code;
    console.log(`\nthis machine was too busy for the load: once more (${attempt + 1} of ${tries})`);
  }
}

function printSummary(summary: Summary, out: string): void {
  console.log(['', ...Object.values(wordsOf(summary)).flat(), ''].join('\n'));
  for (const why of summary.invalid) console.log(`✗ ${why}`);
  const verdict = summary.valid ? '✓ every run counts' : '✗ these figures do not count';
  console.log(`${verdict}: ${relative(process.cwd(), join(out, 'report.html'))}`);
}

function exitCodeOf({ valid, runs }: Summary): number {
  if (valid) return 0;
  return runs.every(({ invalid }) => invalid.every(({ whose }) => whose === 'load')) ? TOO_BUSY : 1;
}

// At some moments of the start nothing else keeps the process alive.
setInterval(() => undefined, 60_000);
const end = endRequested();
try {
  process.exit(await run(end));
} catch (error) {
  if (!end.aborted) console.error(error instanceof Error ? error.message : error);
  process.exit(end.aborted ? 130 : 1);
}
