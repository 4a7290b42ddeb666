// How the launcher's events and addresses are told, by whoever tells them: npm run up and the demo.
import { join, relative } from 'node:path';
import type { AddressBook } from '../address-book/address-book.ts';
import { ROOT } from './leftovers.ts';
import { described } from './processes.ts';
import type { ServiceEvent } from './supervisor.ts';
import { SERVICES } from './wiring.ts';

/** Undefined for what is not worth a line. */
export function describeEvent({ service, event, pid, code = null, signal = null, inMs = 0 }: ServiceEvent) {
  if (event === 'ready') return `${service} is ready (${(inMs / 1000).toFixed(1)} s, pid ${pid})`;
  if (event === 'exited') return `${service} ended ${described({ code, signal })}`;
  if (event === 'restarting') return `${service} is started again in ${inMs} ms`;
  if (event === 'killed') return `${service} did not stop in time and was killed`;
  return undefined;
}

const WIDTHS = [10, 22, 32];

export function describeAddresses(stack: AddressBook): string[] {
  const { gatewayUrl, bankUrl, addresses, databases, redisUrl, amqpUrl, rabbitManagementUrl, ops, pids, dir } = stack;
  const at: Record<string, string> = { gateway: gatewayUrl, bank: bankUrl, ...addresses };
  const rows = [
    ...SERVICES.toReversed().map((name) => [name, at[name], `ops ${ops[name]}`]),
    ['postgres', new URL(databases.orders).host, ''],
    ['redis', new URL(redisUrl).host, ''],
    ['rabbitmq', new URL(amqpUrl).host, `web ${new URL(rabbitManagementUrl).origin}`],
  ];
  const here = (file: string) => join(relative(ROOT, dir), file);
  return [
    ...rows.map((row) => `  ${row.map((cell, i) => cell?.padEnd(WIDTHS[i] ?? 0)).join(' ')} pid ${pids[row[0] ?? '']}`),
    `  passwords  ${here('stack.json')}, logs ${here('logs')}`,
    `  a token    npm run --silent token -- --buyer alice   (--admin for the admin's)`,
  ];
}
