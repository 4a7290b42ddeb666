// npm run loadtest -- SCRIPT: one k6 script on the stack that is up, or on a private one, and the audit after it.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStackNamed, namedAddressBook, readAddressBook, UP } from '../../infra/address-book/address-book.ts';
import { audit } from '../../infra/audit/audit.ts';
import { describeShortly } from '../../infra/audit/print.ts';
import { openStores, type StoreAddresses } from '../../infra/audit/stores.ts';
import { findK6 } from '../../infra/k6/k6.ts';
import { ownerOf, ROOT } from '../../infra/native/leftovers.ts';
import { type Replicas, replicasFrom } from '../../infra/native/replicas.ts';
import { unlessEnded } from '../../infra/native/signals.ts';
import { startStack } from '../../infra/native/stack.ts';
import { wrap } from '../figures/format.ts';
import { KNOBS } from '../k6/knobs.ts';
import { CONFIGURATION, describeDirect } from '../report/plan.ts';
import { type K6Stack, writeK6AddressBook } from './write-address-book.ts';

const REST_WITHIN_MS = 180_000;
/** More than enough: how many buyers a script needs depends on settings that only the script reads. */
const ENOUGH_BUYERS = 50_000;
const SCRIPTS = join(import.meta.dirname, '../k6');

/** In their order. The first lines of each are what it is `about`, and how many `Buyers:` its own settings need. */
export const scripts = () =>
  readdirSync(SCRIPTS)
    .filter((file) => /^\d\d-[a-z-]+\.ts$/.test(file))
    .toSorted()
    .map((name) => {
      const file = join(SCRIPTS, name);
      const [, about = '', buyers] = /^((?:\/\/ .*\n)+?)\/\/ Buyers: (\d+)$/m.exec(readFileSync(file, 'utf8')) ?? [];
      return { name: name.slice(0, -3), file, about: about.replace(/\n?\/\/ /g, ' ').trim(), buyers: Number(buyers) };
    });
type Script = ReturnType<typeof scripts>[number];

/** By number, by name, or by both. */
export function findScript(key: string): Script | undefined {
  const number = /^\d+$/.test(key) ? key.padStart(2, '0') : undefined;
  return scripts().find(({ name }) => name === key || name.slice(3) === key || name.slice(0, 2) === number);
}

function listScripts(): number {
  const list = (name: string, about: string) =>
    wrap(about, 80).forEach((line, i) => void console.log(`${(i === 0 ? name : '').padEnd(32)}${line}`));
  for (const { name, about } of scripts()) list(name, about);
  console.log('\nSettings in the environment, where a script has them:');
  for (const [name, about] of Object.entries(KNOBS)) list(`  ${name}`, about);
  console.log();
  list('  GATEWAYS, WORKERS', 'gateways and orders workers of a private stack, 1 to 4 each');
  return 0;
}

type How = { log(line: string): void; signal: AbortSignal };

/** Returns the exit code: 0 when every threshold (no dropped click among them) and every check of the audit holds. */
export async function runScript(key: string, how: How): Promise<number> {
  if (key === 'list') return listScripts();
  const script = findScript(key);
  if (!script) throw new Error(`there is no script ${key}: npm run loadtest -- list names them`);
  await using opened = new AsyncDisposableStack();
  return await unlessEnded(how.signal, runAndAudit(script, how, opened));
}

async function runAndAudit(script: Script, { log, signal }: How, opened: AsyncDisposableStack): Promise<number> {
  const replicas = replicasFrom();
  const k6 = await findK6(log);
  const stack = await stackFor({ log, signal, replicas }, opened);
  const stores = openStores(stack);
  opened.defer(stores.close);
  const scratch = mkdtempSync(join(tmpdir(), 'flashsale-loadtest-'));
  opened.defer(() => rmSync(scratch, { recursive: true }));
  const knobs = Object.entries(process.env).filter(([name, value]) => value && name in KNOBS);
  const env = { ...Object.fromEntries(knobs), ADDRESS_BOOK: join(scratch, 'address-book.json') };
  writeK6AddressBook(env.ADDRESS_BOOK, stack, knobs.length > 0 ? ENOUGH_BUYERS : script.buyers);

  log(`${script.name} with k6 ${k6.version} (${k6.how}): ${script.about}`);
  const minutes = 10 + Number(process.env.SOAK_MINUTES || 0);
  log(`k6 has ${minutes} minutes, and then every order has ${REST_WITHIN_MS / 1_000} s to become final`);
  const ended = AbortSignal.any([signal, AbortSignal.timeout(minutes * 60_000)]);
  const exitCode = await k6.run({ script: script.file, env, signal: ended });
  signal.throwIfAborted();

  log('waiting until nothing is in flight, then the audit');
  const audited = await audit(stores, { atRest: true, withinMs: REST_WITHIN_MS });
  for (const line of describeShortly(audited)) log(line);
  // 99 is k6's own.
  const why = exitCode === 99 ? 'a threshold was crossed: see above' : `k6 ended with code ${exitCode}`;
  if (exitCode !== 0) log(`✗ ${why}`);
  return exitCode || (audited.ok ? 0 : 1);
}

/** The stack that the environment names, else the one that is up, else a private one. */
async function stackFor(
  { log, signal, replicas }: How & { replicas: Replicas },
  opened: AsyncDisposableStack,
): Promise<K6Stack & StoreAddresses> {
  if (isStackNamed()) {
    log('on the stack that the environment names');
    // Only 11-grpc calls the services themselves, and it names an address that is missing.
    const {
      ORDERS_ADDRESS: orders = '',
      INVENTORY_ADDRESS: inventory = '',
      PAYMENT_ADDRESS: payment = '',
    } = process.env;
    return { ...(await namedAddressBook()), rabbitManagementUrl: '', addresses: { orders, inventory, payment } };
  }
  if (ownerOf(UP)) {
    const up = readAddressBook(UP);
    const { gateway, orders } = up.replicas;
    log(`on the stack that is up; gateways: ${gateway.length}, orders workers: ${orders.length}`);
    return up;
  }
  log('no stack is up: starting three servers and five services, all private to this run');
  const settings = { gateway: CONFIGURATION.gateway };
  const stack = await startStack({ dir: join(ROOT, `.local/loadtest-${process.pid}`), settings, replicas, signal });
  opened.defer(stack.stop);
  log(describeDirect(settings.gateway));
  return stack;
}
