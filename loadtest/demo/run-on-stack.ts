// The demo with a stack of its own: started, shown, audited, and in every case stopped.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeAddresses } from '../../infra/native/describe.ts';
import { requested } from '../../infra/native/signals.ts';
import { type Stack, type Settings as StackSettings, startStack } from '../../infra/native/stack.ts';
import { openStores } from '../audit/stores.ts';
import { createBank } from '../bank.ts';
import { createShop } from '../shop.ts';
import { createGenerator } from './crowd.ts';
import { actsOf, runDemo } from './demo.ts';
import { count } from './format.ts';
import { claimsOf, describeRun, describeSummary, runAsJson } from './report.ts';
import { settings } from './settings.ts';
import { createShow } from './show.ts';

export interface RunOptions {
  once: boolean;
  plain: boolean;
  json: string | undefined;
  end: AbortSignal;
}

const RUN = join(import.meta.dirname, `../../.local/demo-${process.pid}`);

/** The exit code: 0 if every claim holds. */
export async function runOnStack({ once, plain, json, end }: RunOptions): Promise<number> {
  const print = (lines: string[]) => console.log(lines.join('\n'));
  const acts = actsOf(settings);
  const show = createShow({ title: titleOf(settings), acts, out: process.stdout }, plain);
  // What is to be ended, the last first; filled as it comes into being.
  const undo: (() => Promise<unknown>)[] = [];
  let stopping = false;
  let summary: string[] = [];
  try {
    show.stage('starting three servers and five services, all private to this run');
    const stack = await startStack({
      dir: RUN,
      settings: stackSettings(),
      say: show.say,
      onEvent: (event) => stopping || show.service(event),
      signal: end,
    });
    undo.push(async () => {
      show.stage('stopping');
      stopping = true;
      await stack.stop();
    });
    const generator = createGenerator();
    undo.push(generator.stop);
    const stores = openStores(stack);
    undo.push(stores.close);

    const { gatewayUrl, bankUrl, bankApiKey, tokenSecret, amqpUrl, databases } = stack;
    const [shop, bank] = [createShop(gatewayUrl), createBank(bankUrl, bankApiKey)];
    const demo = { gatewayUrl, shop, bank, stores, generator, settings, tokenSecret, amqpUrl, show, acts, end };
    const processes = { kill: (service: 'orders') => stack.services[service].kill() };
    const result = await unlessEnded(end, runDemo({ ...demo, ordersDatabase: databases.orders, processes }));
    summary = describeSummary(result, settings);
    if (json) await writeFile(json, `${JSON.stringify(runAsJson(result, settings), null, 2)}\n`);
    if (!once) {
      show.end();
      print([...describeRun(result, settings), ...describeStay(stack), ...summary, STAYS]);
      summary = [];
      await requested(end);
    } else {
      summary = [...describeRun(result, settings), ...summary];
    }
    return claimsOf(result, settings).every(({ ok }) => ok) ? 0 : 1;
  } finally {
    for (const step of undo.toReversed()) await step().catch((error) => show.say(`while stopping: ${error}`));
    show.end();
    // The last that is said, so that it is what stays on the screen.
    if (summary.length) print(summary);
  }
}

const STAYS = 'Everything stays up for you to look at (addresses above); Ctrl-C stops it.';

const titleOf = ({ buyers, units, crowdSeconds, bank }: typeof settings) =>
  `FLASH SALE  ${count(buyers)} buyers want ${count(units)} units in ${crowdSeconds} s; the bank takes ${bank.chargesPerSecond}/s`;

const describeStay = (stack: Stack) => [
  '',
  ...describeAddresses(stack),
  '  to check   npm run audit   (in another terminal)',
];

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
