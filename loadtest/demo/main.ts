// npm run demo [-- --once] [--plain] [--json FILE]: 0 when every claim holds, 1 when one does not or something broke.
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { endRequested } from '../../infra/native/signals.ts';
import { runOnStack } from './run-on-stack.ts';

const USAGE = 'usage: npm run demo [-- --once] [--plain] [--json FILE]';

function options() {
  try {
    const flag = { type: 'boolean', default: false } as const;
    return parseArgs({ options: { once: flag, plain: flag, json: { type: 'string' } } }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(1);
  }
}

// A terminal that was closed takes no more lines, and that must not end the cleaning up.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);

// Between two ticks of the starting nothing else may be open.
setInterval(() => undefined, 60_000);
const { once, plain, json } = options();
const end = endRequested();
const code = await runOnStack({ once, plain, json, end }).catch((error) => {
  const asked = end.aborted && (error === end.reason || error.name === 'AbortError');
  if (!asked) console.error(error instanceof Error ? error.message : error);
  return 1;
});
process.exit(end.aborted ? 128 + constants.signals[end.reason as NodeJS.Signals] : code);
