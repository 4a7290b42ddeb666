// npm run demo [-- --once] [--json FILE]: 0 when every claim holds, 1 when one does not or something broke.
import { parseArgs } from 'node:util';
import { exitCodeOf, onInterruption } from './interruption.ts';
import { runOnStack } from './run-on-stack.ts';

const USAGE = 'usage: npm run demo [-- --once] [--json FILE]';

function options() {
  try {
    return parseArgs({ options: { once: { type: 'boolean', default: false }, json: { type: 'string' } } }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(1);
  }
}

const { once, json } = options();
const interrupted = onInterruption();
const code = await runOnStack({ once, json, interrupted }).catch((error) => {
  if (!interrupted.aborted) console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  return 1;
});
process.exit(exitCodeOf(interrupted) ?? code);
