// The demo with a stack of its own (started, shown, audited, and in every case stopped), or on the one that the
// environment names, which is left running.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeAddresses, isStackNamed, namedAddressBook } from '../../infra/address-book/address-book.ts';
import { openStores, type StoreAddresses } from '../../infra/audit/stores.ts';
import { createBank } from '../../infra/clients/bank.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { createGenerator } from '../../infra/crowd/crowd.ts';
import { requested, unlessEnded } from '../../infra/native/signals.ts';
import { type ServiceEvent, type Stack, type Settings as StackSettings, startStack } from '../../infra/native/stack.ts';
import { count } from '../figures/format.ts';
import { actsOf, type DemoResult, type DemoVenue, runDemo } from './demo.ts';
import { claimsOf, describeRun, describeSummary, runAsJson } from './report.ts';
import { settings } from './settings.ts';
import { createShow, type Show } from './show.ts';

export interface RunOptions {
  once: boolean;
  plain: boolean;
  json: string | undefined;
  end: AbortSignal;
}

const RUN = join(import.meta.dirname, `../../.local/demo-${process.pid}`);

/** What is to be ended, the last first; filled as it comes into being. */
type Undo = (() => Promise<unknown>)[];

/** The exit code: 0 if every claim holds. */
export async function runOnStack({ once, plain, json, end }: RunOptions): Promise<number> {
  const print = (lines: string[]) => console.log(lines.join('\n'));
  const show = createShow({ title: titleOf(settings), acts: actsOf(settings), out: process.stdout }, plain);
  const undo: Undo = [];
  // Told last of all, so that it is what stays on the screen.
  let report: string[] = [];
  try {
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => undefined);
    const onLost = (server: string) => {
      show.say(`${server} has ended, and nobody starts it again`);
      lost.reject(new Error(`no demo without ${server}: npm run demo starts anew`));
    };
    const own = isStackNamed() ? undefined : await startOwn({ show, end, undo, onLost });
    // An accident needs processes that are ours to end.
    const accident = own && { processes: { kill: (service: 'orders') => own.services[service].kill() } };
    const stack = own ?? (await namedAddressBook());
    const result = await unlessEnded(
      end,
      Promise.race([demoOn(stack, { show, end, undo, ...accident }), lost.promise]),
    );
    report = [...describeRun(result, settings), ...describeSummary(result, settings)];
    if (json) await writeFile(json, `${JSON.stringify(runAsJson(result, settings), null, 2)}\n`);
    if (own && !once) {
      show.end();
      print([...describeRun(result, settings), ...describeStay(own), ...describeSummary(result, settings), STAYS]);
      report = [];
      await requested(end);
    }
    return claimsOf(result, settings).every(({ ok }) => ok) ? 0 : 1;
  } finally {
    for (const step of undo.toReversed()) await step().catch((error) => show.say(`while stopping: ${error}`));
    show.end();
    if (report.length > 0) print(report);
  }
}

type Start = { show: Show; end: AbortSignal; undo: Undo; onLost: (server: string) => void };

async function startOwn({ show, end, undo, onLost }: Start): Promise<Stack> {
  let stopping = false;
  const onEvent = (event: ServiceEvent) => stopping || show.service(event);
  show.stage('starting three servers and five services, all private to this run');
  const how = { dir: RUN, settings: stackSettings(), say: show.say, onEvent, onLost, signal: end };
  const stack = await startStack(how);
  undo.push(async () => {
    show.stage('stopping');
    stopping = true;
    await stack.stop();
  });
  return stack;
}

/** All that a demo must know of a stack; without `processes` there is no accident. */
type Addresses = Pick<Stack, 'gatewayUrl' | 'tokenSecret' | 'amqpUrl'> & StoreAddresses;
type Means = Pick<DemoVenue, 'show' | 'end' | 'processes'> & { undo: Undo };

function demoOn(stack: Addresses, { undo, ...means }: Means): Promise<DemoResult> {
  const { gatewayUrl, bankUrl, bankApiKey, tokenSecret, amqpUrl, databases } = stack;
  const generator = createGenerator();
  undo.push(generator.stop);
  const stores = openStores(stack);
  undo.push(stores.close);
  const [shop, bank] = [createShop(gatewayUrl), createBank(bankUrl, bankApiKey)];
  const ordersDatabase = databases.orders;
  const stage = { gatewayUrl, tokenSecret, amqpUrl, ordersDatabase, shop, bank, stores, generator };
  return runDemo({ ...stage, ...means, settings, acts: actsOf(settings) });
}

const STAYS = 'Everything stays up for you to look at (addresses above); Ctrl-C stops it.';

const titleOf = ({ buyers, units, crowdSeconds, bank }: typeof settings) =>
  `FLASH SALE  ${count(buyers)} buyers want ${count(units)} units in ${crowdSeconds} s; the bank takes ${bank.chargesPerSecond}/s`;

const describeStay = (stack: Stack) => [
  '',
  ...describeAddresses(stack),
  '  to check   npm run audit   (in another terminal)',
];

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
