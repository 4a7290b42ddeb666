// The phases of the demo: the same burst on each path, holds, and a small burst during which orders is killed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressBook } from '../../infra/address-book/address-book.ts';
import { createTokens } from '../../infra/buyers/buyers.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { until } from '../../infra/until.ts';
import { readEnvironment } from '../figures/environment.ts';
import { count } from '../figures/format.ts';
import { runHolds } from './holds.ts';
import type { Progress } from './progress.ts';
import { type Mode, type RunEnvironment, run, type Sample } from './run.ts';
import { settings } from './settings.ts';

export type PathRun = Awaited<ReturnType<typeof run>>;
export type DemoResult = Awaited<ReturnType<typeof runDemo>>;
export type Accident = Awaited<ReturnType<typeof runWithKill>>;
interface DemoEnvironment extends RunEnvironment {
  progress: Progress;
  /** Unknown where the processes belong to another command. */
  replicas?: AddressBook['replicas'];
  /** kill -9 of one worker; resolves when it is ready again. Undefined where the processes belong to another command. */
  killOrders: (() => Promise<void>) | undefined;
}

const { units, buyers, burstSeconds, accident: small } = settings;

export async function runDemo(environment: DemoEnvironment) {
  const { stores, amqpUrl, progress, killOrders, replicas } = environment;
  // All sales before the first burst: a gate takes a moment to open.
  const queuedSale = await openSale(environment, 'queued', units);
  const directSale = await openSale(environment, 'direct', units);
  const holdSale = await openSale(environment, 'queued', settings.hold.units, settings.hold.holdSeconds);
  const smallSale = killOrders && (await openSale(environment, 'queued', small.units));
  await warmUp(environment, 'queued');
  await warmUp(environment, 'direct');
  progress.phase(`queued    ${count(buyers)} buyers for ${count(units)} units, within ${burstSeconds} s`);
  const queued = await run(environment, queuedSale, settings, progress.begin('queued'));
  progress.phase('direct    the same burst, and the bank as it was before the first one');
  const direct = await run(environment, directSale, settings, progress.begin('direct'));
  const { hold } = settings;
  progress.phase(`hold      ${hold.buyers} buyers reserve: a third pays, a third cancels, a third lets it expire`);
  const holds = await runHolds(environment, holdSale);
  const accident = smallSale ? await runWithKill(environment, smallSale) : null;
  if (!accident) progress.phase('accident  left out: the processes belong to another command');
  const processes = replicas && { gateways: replicas.gateway.length, workers: replicas.orders.length };
  return { environment: await readEnvironment(stores, amqpUrl), processes, queued, direct, holds, accident };
}

/** Uncounted, and with a bank that delays no charge. */
async function warmUp(environment: DemoEnvironment, mode: Mode) {
  const { warmUp } = settings;
  const saleId = await openSale(environment, mode, warmUp.units);
  environment.progress.phase(`${mode.padEnd(8)}  warming up: ${warmUp.buyers} buyers, uncounted`);
  await run({ ...environment, bank: { ...settings.bank, chargesPerSecond: 0 } }, saleId, warmUp);
}

async function runWithKill(environment: DemoEnvironment, saleId: string) {
  const { progress, replicas } = environment;
  const victim = (replicas?.orders.length ?? 1) > 1 ? 'a worker' : 'orders';
  const when = `at ${small.killedAtYes} yes ${victim} is killed (kill -9)`;
  progress.phase(`accident  ${small.buyers} buyers, ${small.units} units; ${when}`);
  const kill = createKill({ ...environment, victim }, small.killedAtYes, settings.finalWithinSeconds * 1_000);
  const show = progress.begin('accident');
  const result = await run(environment, saleId, small, (sample, last) => {
    show(sample, last);
    kill.watch(sample);
  });
  /** Null: it did not come back in time. */
  return { run: result, awayMs: await kill.awayMs(), victim };
}

type KillEnvironment = Pick<DemoEnvironment, 'killOrders'> & {
  progress: Pick<Progress, 'mark' | 'log'>;
  victim: string;
};

/** Kills once, as soon as enough orders are accepted. */
export function createKill({ killOrders, progress, victim }: KillEnvironment, killedAtYes: number, withinMs: number) {
  let killed: Promise<number | null> | undefined;
  let yes = 0;
  async function kill(): Promise<number | null> {
    const [at, yesBefore] = [performance.now(), yes];
    progress.mark(`${victim} killed`);
    if ((await Promise.race([killOrders?.(), sleep(withinMs, 'late', { ref: false })])) === 'late') return null;
    const awayMs = performance.now() - at;
    progress.mark(`${victim} back`);
    const meanwhile = `meanwhile ${yes - yesBefore} more got a yes`;
    progress.log(`${victim} is back after ${(awayMs / 1000).toFixed(1)} s; ${meanwhile}`);
    return awayMs;
  }
  return {
    watch(sample: Pick<Sample, 'yes'>) {
      yes = sample.yes;
      if (yes >= killedAtYes) killed ??= kill();
      // A failure is thrown by `awayMs`.
      killed?.catch(() => undefined);
    },
    awayMs: async () => (await killed) ?? null,
  };
}

/** Resolves when its gate is open. Retried: a gateway that has just started may not have found its neighbours. */
type Gateway = Pick<RunEnvironment, 'gatewayUrl' | 'tokenSecrets'>;
export async function openSale({ gatewayUrl, tokenSecrets }: Gateway, mode: Mode, stock: number, holdSeconds?: number) {
  const shop = createShop(gatewayUrl);
  const admin = createTokens(tokenSecrets)('demo', { admin: true });
  const hold = holdSeconds ? ({ checkout: 'hold', holdSeconds } as const) : {};
  const product = {
    ...hold,
    sku: `demo-${mode}`,
    title: `${mode} sale of ${count(stock)}`,
    price: settings.price,
    stock,
  };
  const time = (inMs: number) => new Date(Date.now() + inMs).toISOString();
  const draft = { ...product, mode, opensAt: time(-1_000), closesAt: time(86_400_000), perBuyerLimit: 1 };
  const { id } = await until(`the ${mode} sale is made`, () => shop.createSale(draft, admin));
  await until(`sale ${id} is open`, async () => (await shop.sale(id)).remaining === stock);
  return id;
}
