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

const stages = [
  { name: 'npm test', run: () => launcher('infra/native/test.ts') },
  { name: 'k6 smoke', run: () => launcher(LOADTEST, 'smoke') },
  {
    name: 'quick comparison',
    run: () => launcher(LOADTEST, '--quick', '--out', join(ROOT, '.local/verify')),
  },
];
process.exit(await runStages(stages, 'verified', end));
