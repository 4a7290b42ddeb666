// The demo with a stack of its own: started, shown, audited, and in every case stopped.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requested } from '../../infra/native/signals.ts';
import { type ServiceEvent, type Settings as StackSettings, startStack } from '../../infra/native/stack.ts';
import { openStores } from '../audit/stores.ts';
import { createBank } from '../bank.ts';
import { createShop } from '../shop.ts';
import { createGenerator } from './crowd.ts';
import { runDemo } from './demo.ts';
import { createSay, type Say } from './progress.ts';
import { claimsOf, describeRun, describeStack, runAsJson } from './report.ts';
import { settings } from './settings.ts';

export interface RunOptions {
  once: boolean;
  json: string | undefined;
  end: AbortSignal;
}

const RUN = join(import.meta.dirname, `../../.local/demo-${process.pid}`);

/** The exit code: 0 if every claim holds. */
export async function runOnStack({ once, json, end }: RunOptions): Promise<number> {
  const print = (lines: string[]) => console.log(lines.join('\n'));
  const say = createSay((line) => print([line]));
  // What is to be ended, the last first; filled as it comes into being.
  const undo: (() => Promise<unknown>)[] = [];
  let stopping = false;
  try {
    const stack = await startStack({
      dir: RUN,
      settings: stackSettings(),
      say,
      onEvent: (event) => stopping || sayEvent(say, event),
      signal: end,
    });
    undo.push(async () => {
      say('stopping');
      stopping = true;
      await stack.stop();
    });
    const generator = createGenerator();
    undo.push(generator.stop);
    const stores = openStores(stack);
    undo.push(stores.close);

    const { gatewayUrl, bankUrl, bankApiKey, tokenSecret, amqpUrl, databases } = stack;
    const [shop, bank] = [createShop(gatewayUrl), createBank(bankUrl, bankApiKey)];
    const demo = { gatewayUrl, shop, bank, stores, generator, settings, tokenSecret, amqpUrl, say };
    const result = await unlessEnded(end, runDemo({ ...demo, ordersDatabase: databases.orders }));
    print(describeRun(result, settings));
    if (json) await writeFile(json, `${JSON.stringify(runAsJson(result, settings), null, 2)}\n`);
    if (!once) {
      print(describeStack(stack));
      await requested(end);
    }
    return claimsOf(result, settings).every(({ ok }) => ok) ? 0 : 1;
  } finally {
    for (const step of undo.toReversed()) await step().catch((error) => say(`while stopping: ${error}`));
  }
}

/** What the work still does after the end was requested is not listened to. */
function unlessEnded<T>(end: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  const ended = requested(end).then(() => {
    throw end.reason;
  });
  return Promise.race([work, ended]);
}

function stackSettings(): StackSettings {
  const { bank, direct } = settings;
  return {
    bank: {
      CHARGES_PER_SECOND: String(bank.chargesPerSecond),
      LATENCY_P50_MS: String(bank.latencyMs.p50),
      LATENCY_P99_MS: String(bank.latencyMs.p99),
    },
    gateway: { DIRECT_DEADLINE_MS: String(direct.deadlineMs), DIRECT_MAX_IN_FLIGHT: String(direct.maxInFlight) },
  };
}

function sayEvent(say: Say, { service, event, pid, code, signal, inMs }: ServiceEvent) {
  if (event === 'ready') say(`${service} is ready (${((inMs ?? 0) / 1000).toFixed(1)} s, pid ${pid})`);
  if (event === 'exited') say(`${service} died: ${signal ?? `exit code ${code}`}`);
  if (event === 'restarting') say(`${service} is started again in ${inMs} ms`);
  if (event === 'killed') say(`${service} did not stop in time and was killed`);
}
