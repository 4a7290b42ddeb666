// npm run down: ends what npm run up started, also when its owner was killed.
import { setTimeout as sleep } from 'node:timers/promises';
import { UP } from '../address-book/address-book.ts';
import { release, stopLeftovers } from './leftovers.ts';
import { isAlive, ownerOf, readPids } from './pids.ts';

const PATIENCE_MS = 60_000;

async function down(): Promise<string> {
  const pids = readPids(UP);
  if (!pids) return 'nothing is up';
  const owner = ownerOf(UP);
  if (owner) {
    console.log(`asking process ${owner} to stop what it started …`);
    process.kill(owner, 'SIGTERM');
    const deadline = Date.now() + PATIENCE_MS;
    while ([pids.owner, ...pids.processes].some(isAlive) && Date.now() < deadline) await sleep(50);
    if (!ownerOf(UP) && !readPids(UP)?.processes.some(isAlive)) return 'stopped, nothing is left running';
    process.kill(owner, 'SIGKILL');
  }
  const ended = await stopLeftovers(UP);
  release(UP);
  return ended.length > 0 ? `ended what was left: ${ended.join(', ')}` : 'nothing was left running';
}

console.log(await down());
