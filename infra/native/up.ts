// npm run up: the whole system in the foreground, until Ctrl-C or npm run down.

import { UP } from '../address-book/address-book.ts';
import { describeAddresses, describeEvent } from './describe.ts';
import { ownerOf } from './pids.ts';
import { endRequested, requested } from './signals.ts';
import { type ServiceEvent, startStack } from './stack.ts';

const say = (line: string) => console.log(line);

async function up(): Promise<number> {
  const owner = ownerOf(UP);
  if (owner) return refuse(`it is up already (process ${owner}): npm run down stops it`);
  const end = endRequested();
  // Somebody must be there between two ticks while nothing else is open yet.
  const alive = setInterval(() => {}, 60_000);
  try {
    const stack = await startStack({ dir: UP, keep: true, say, onEvent: tell, onLost: tellLost, signal: end });
    say(['', ...describeAddresses(stack), '', 'Ctrl-C or npm run down stops it'].join('\n'));
    await requested(end);
    say('stopping …');
    await stack.stop();
    say('stopped, nothing is left running');
  } catch (error) {
    if (!end.aborted) return refuse(error instanceof Error ? error.message : String(error));
    say('stopped before it was up');
  } finally {
    clearInterval(alive);
  }
  return 0;
}

function tell(event: ServiceEvent): void {
  const line = describeEvent(event);
  if (line) say(line);
}

const tellLost = (server: string) =>
  say(`${server} has ended, and nobody starts it again; its log is in ${UP}: Ctrl-C, then npm run up`);

function refuse(message: string): number {
  console.error(message);
  return 1;
}

process.exit(await up());
