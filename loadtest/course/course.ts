// One script of the course for real: on the stack that is up, or on one of its own; then everything is waited for and audited.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStackNamed, namedAddressBook, readAddressBook, UP } from '../../infra/address-book/address-book.ts';
import { audit } from '../../infra/audit/audit.ts';
import { describeShortly } from '../../infra/audit/print.ts';
import { openStores, type StoreAddresses } from '../../infra/audit/stores.ts';
import { findK6 } from '../../infra/k6/k6.ts';
import { ownerOf, ROOT } from '../../infra/native/leftovers.ts';
import { unlessEnded } from '../../infra/native/signals.ts';
import { startStack } from '../../infra/native/stack.ts';
import { wrap } from '../figures/format.ts';
import { KNOBS } from '../k6/knobs.ts';
import { CONFIGURATION, describeDirect } from '../report/plan.ts';
import { findScript, type Script, scripts } from './scripts.ts';
import { type VenueStack, writeVenue } from './venue.ts';

/** Beside the minutes of a soak. */
const K6_WITHIN_MINUTES = 10;
const REST_WITHIN_MS = 180_000;
/** k6's own for "a threshold was crossed". */
const THRESHOLD = 99;

export interface How {
  say(line: string): void;
  signal: AbortSignal;
}

/** The exit code: 0 when every threshold holds, that no click was left out among them, and every check of the audit. */
export async function runScript(asked: string, how: How): Promise<number> {
  if (asked === 'list') return listScripts();
  const script = findScript(asked);
  if (!script) throw new Error(`there is no script ${asked}: npm run loadtest -- list names them`);
  const undo: (() => Promise<unknown> | unknown)[] = [];
  try {
    return await unlessEnded(how.signal, onStack(script, how, undo));
  } finally {
    for (const step of undo.toReversed())
      await Promise.resolve(step()).catch((error) => how.say(`while stopping: ${error}`));
  }
}

function listScripts(): number {
  for (const { name, about } of scripts()) console.log(listed(name, about));
  console.log('\nTurned by the environment, where a script has it:');
  for (const [name, about] of Object.entries(KNOBS)) console.log(listed(`  ${name}`, about));
  return 0;
}

const listed = (name: string, about: string) =>
  wrap(about, 80)
    .map((line, i) => `${(i === 0 ? name : '').padEnd(32)}${line}`)
    .join('\n');

async function onStack(script: Script, { say, signal }: How, undo: (() => unknown)[]): Promise<number> {
  const k6 = await findK6(say);
  const scratch = mkdtempSync(join(tmpdir(), 'flashsale-loadtest-'));
  undo.push(() => rmSync(scratch, { recursive: true }));
  const stack = await stackFor(say, signal, undo);
  const stores = openStores(stack);
  undo.push(stores.close);

  const venueFile = join(scratch, 'venue.json');
  writeVenue(venueFile, stack, buyersOf(script));
  say(`${script.name} with k6 ${k6.version} (${k6.how}): ${script.about}`);
  const minutes = K6_WITHIN_MINUTES + Number(process.env.SOAK_MINUTES || 0);
  say(`k6 has ${minutes} minutes, and then all orders have ${REST_WITHIN_MS / 1_000} s to come to their end`);
  const within = AbortSignal.any([signal, AbortSignal.timeout(minutes * 60_000)]);
  const env = { ...knobs(), VENUE: venueFile };
  const exitCode = await k6.run({ script: script.file, env, signal: within });
  signal.throwIfAborted();

  say('waiting until nothing is in flight, then the audit');
  const audited = await audit(stores, { atRest: true, patienceMs: REST_WITHIN_MS });
  for (const line of describeShortly(audited)) say(line);
  if (exitCode !== 0)
    say(exitCode === THRESHOLD ? '✗ a threshold was crossed: see above' : `✗ k6 ended with code ${exitCode}`);
  return exitCode || (audited.ok ? 0 : 1);
}

/** The one that the environment names, else the one that is up, else one of its own. */
async function stackFor(
  say: How['say'],
  signal: AbortSignal,
  undo: (() => unknown)[],
): Promise<VenueStack & StoreAddresses> {
  if (isStackNamed()) {
    say('on the stack that the environment names');
    return { ...(await namedAddressBook()), addresses: namedAddresses() };
  }
  if (ownerOf(UP)) {
    say('on the stack that is up');
    return readAddressBook(UP);
  }
  say('no stack is up: starting three servers and five services, all private to this run');
  const settings = { gateway: CONFIGURATION.gateway };
  const stack = await startStack({ dir: join(ROOT, `.local/loadtest-${process.pid}`), settings, signal });
  say(describeDirect(settings.gateway));
  undo.push(stack.stop);
  return stack;
}

/** Only one script calls the services themselves, so only that one misses them. */
function namedAddresses({ ORDERS_ADDRESS = '', INVENTORY_ADDRESS = '', PAYMENT_ADDRESS = '' } = process.env) {
  return { orders: ORDERS_ADDRESS, inventory: INVENTORY_ADDRESS, payment: PAYMENT_ADDRESS };
}

/** How many a script needs whose settings were turned, only the script can tell: so there are plenty. */
const PLENTY = 50_000;
const buyersOf = ({ buyers }: Script) => (Object.keys(knobs()).length > 0 ? PLENTY : buyers);

/** Those of the caller's environment that scripts read. */
const knobs = () =>
  Object.fromEntries(Object.keys(KNOBS).flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
