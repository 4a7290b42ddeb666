// npm run verify: npm test, then k6 for real: the smoke of the course and the quick comparison, each with its audit.
// Where there is no k6 and none can be had, the run says so and does not count as verified.
import { join } from 'node:path';
import { ROOT } from './leftovers.ts';
import { endRequested } from './signals.ts';
import { createRun, runStages } from './stages.ts';

const end = endRequested();
const run = createRun(end);
const launcher = (...args: string[]) => run(process.execPath, ['infra/native/run.mjs', '--servers', ...args]);
const LOADTEST = 'loadtest/report/main.ts';

/** What the comparison answers when the machine was too busy for its crowd, and nothing else was wrong. */
const TOO_BUSY = 3;
const MOST_TRIES = 3;

/** A machine may be busy for a moment with something else; a difference in the books is never tried away. */
async function quickComparison(): Promise<number> {
  for (let tries = 1; ; tries++) {
    const code = await launcher(LOADTEST, '--quick', '--out', join(ROOT, '.local/verify'));
    if (code !== TOO_BUSY || tries === MOST_TRIES) return code;
    console.log(`\nthis machine was too busy for the crowd: once more (${tries + 1} of ${MOST_TRIES})`);
  }
}

const stages = [
  { name: 'npm test', run: () => launcher('infra/native/test.ts') },
  { name: 'k6 smoke', run: () => launcher(LOADTEST, 'smoke') },
  { name: 'quick comparison', run: quickComparison },
];

process.exit(await runStages(stages, 'verified', end));
