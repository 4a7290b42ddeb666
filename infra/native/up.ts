// npm run up: the whole system in the foreground, until Ctrl-C or npm run down.
import { relative } from 'node:path';
import { ROOT } from './leftovers.ts';
import { ownerOf } from './pids.ts';
import { endRequested, requested } from './signals.ts';
import { type ServiceEvent, type Stack, startStack } from './stack.ts';
import { UP } from './stack-file.ts';
import { SERVICES } from './wiring.ts';

const say = (line: string) => console.log(line);

async function up(): Promise<number> {
  const owner = ownerOf(UP);
  if (owner) return refuse(`it is up already (process ${owner}): npm run down stops it`);
  const end = endRequested();
  // Somebody must be there between two ticks while nothing else is open yet.
  const alive = setInterval(() => {}, 60_000);
  try {
    const stack = await startStack({ dir: UP, keep: true, say, onEvent: tell, signal: end });
    say(table(stack));
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

function tell({ service, event, code, signal, inMs }: ServiceEvent): void {
  if (event === 'ready') say(`${service} is ready (${((inMs ?? 0) / 1000).toFixed(1)} s)`);
  if (event === 'exited') say(`${service} ended ${signal ? `by ${signal}` : `with code ${code}`}`);
  if (event === 'restarting') say(`${service} is started again in ${inMs} ms`);
  if (event === 'killed') say(`${service} did not stop in time and was killed`);
}

function table(stack: Stack): string {
  const at: Record<string, string> = { gateway: stack.gatewayUrl, bank: stack.bankUrl, ...stack.addresses };
  const rows = SERVICES.toReversed().map((name) => [
    name,
    at[name],
    `ops ${stack.ops[name]}`,
    `pid ${stack.pids[name]}`,
  ]);
  const servers = [
    ['postgres', new URL(stack.databases.orders).host, '', `pid ${stack.pids.postgres}`],
    ['redis', new URL(stack.redisUrl).host, '', `pid ${stack.pids.redis}`],
    [
      'rabbitmq',
      new URL(stack.amqpUrl).host,
      `management ${new URL(stack.rabbitManagementUrl).origin}`,
      `pid ${stack.pids.rabbitmq}`,
    ],
  ];
  const lines = [...rows, ...servers].map(
    (cells) => `  ${cells.map((cell, i) => cell?.padEnd([10, 24, 36, 0][i] ?? 0)).join(' ')}`,
  );
  return [
    '',
    ...lines,
    '',
    `  a token   npm run --silent token -- --buyer alice     (--admin for the admin's)`,
    `  passwords ${relative(ROOT, UP)}/stack.json`,
    `  logs      ${relative(ROOT, UP)}/logs/`,
    '',
    'Ctrl-C or npm run down stops it',
  ].join('\n');
}

function refuse(message: string): number {
  console.error(message);
  return 1;
}

process.exit(await up());
