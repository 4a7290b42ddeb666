// stack.json: what another process (audit, token, down) must know to speak to a running stack.
import fs from 'node:fs';
import { join } from 'node:path';
import { LOCAL } from '../native/leftovers.ts';
import { ownerOf } from '../native/pids.ts';

export type ServiceName = 'bank' | 'inventory' | 'payment' | 'orders' | 'gateway';
export type StackInfo = {
  dir: string;
  gatewayUrl: string;
  bankUrl: string;
  bankApiKey: string;
  tokenSecret: string;
  redisUrl: string;
  amqpUrl: string;
  rabbitManagementUrl: string;
  databases: Record<'orders' | 'inventory' | 'payment', string>;
  addresses: Record<'orders' | 'inventory' | 'payment', string>;
  ops: Record<ServiceName, string>;
  pids: Record<string, number>;
  ownerPid: number;
};

export const UP = join(LOCAL, 'up');

// It holds every password of the run.
export function writeStack(info: StackInfo): void {
  const file = join(info.dir, 'stack.json');
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(info, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** The stack in `dir`, else the one of `npm run up`, else the newest that runs under .local. */
export function readStack(dir?: string): StackInfo {
  const found = dir ?? [UP, ...runsByAge()].find((one) => ownerOf(one) && fs.existsSync(join(one, 'stack.json')));
  if (!found) throw new Error('no stack is running: start one with `npm run up`');
  return JSON.parse(fs.readFileSync(join(found, 'stack.json'), 'utf8'));
}

function runsByAge(): string[] {
  if (!fs.existsSync(LOCAL)) return [];
  const dirs = fs.readdirSync(LOCAL).map((name) => join(LOCAL, name));
  return dirs.sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
}
