// Follows one queued order through the whole system, from the click to the GET that says confirmed, and lists the source
// files in which a function ran because of it.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICES, type ServiceName } from '../address-book/address-book.ts';
import { createTokens } from '../buyers/buyers.ts';
import { createShop } from '../clients/shop.ts';
import { type ByService, forEachService } from '../native/addresses.ts';
import { LOCAL } from '../native/leftovers.ts';
import { type Stack, startStack } from '../native/stack.ts';
import { until } from '../until.ts';
import { keepsCoverage, type Ran, snapshot } from './coverage.ts';

/** Longer than the intervals of the background jobs and of the channels' renewal, so that each runs without an order. */
const IDLE_MS = 11_000;
const HOUR_MS = 3_600_000;

/** By process: the files with a function that ran because of the order. */
export async function tour(signal?: AbortSignal, log = (_: string) => {}): Promise<ByService<string[]>> {
  const dir = join(LOCAL, `tour-${process.pid}`);
  const coverage = join(dir, 'coverage');
  const settings = forEachService(() => keepsCoverage(coverage));
  const stack = await startStack({ dir, settings, log, ...(signal && { signal }) });
  try {
    const order = await openSale(stack);
    const ranIn = async (work: () => Promise<unknown>) => {
      await snapshots(stack, coverage);
      await work();
      return snapshots(stack, coverage);
    };
    // Several at once open the connections of which the one order takes some.
    await Promise.all(Array.from({ length: 5 }, (_, i) => order(`warm-up-${i}`)));
    const idle = await ranIn(() => sleep(IDLE_MS));
    const busy: ByService<Ran[]>[] = [];
    for (const buyer of ['first', 'second', 'third']) busy.push(await ranIn(() => order(buyer)));
    // In the window of one order alone, a job ran whose time it was.
    const ofEach = (name: ServiceName) =>
      (busy[0]?.[name] ?? []).filter((ran) => busy.every((ofOne) => isIn(ofOne[name], ran)) && !isIn(idle[name], ran));
    return forEachService((name) => filesOf(ofEach(name)));
  } finally {
    await stack.stop();
  }
}

/** Returns how a buyer places an order and follows it until it is confirmed. */
async function openSale({ gatewayUrl, tokenSecrets }: Stack) {
  const tokenFor = createTokens(tokenSecrets);
  const [shop, now] = [createShop(gatewayUrl), Date.now()];
  const sale = {
    ...{ sku: 'tour', title: 'One order', price: { amountMinor: 100, currency: 'EUR' }, stock: 10, perBuyerLimit: 1 },
    ...{
      mode: 'queued' as const,
      opensAt: new Date(now).toISOString(),
      closesAt: new Date(now + HOUR_MS).toISOString(),
    },
  };
  const { id } = await shop.createSale(sale, tokenFor('admin', { admin: true }));
  return async (buyer: string) => {
    const headers = { authorization: `Bearer ${tokenFor(buyer)}`, 'content-type': 'application/json' };
    const click = await until('the click is accepted', async () => {
      const response = await fetch(`${gatewayUrl}/v1/sales/${id}/orders`, { method: 'POST', headers, body: '{}' });
      return response.status === 202 && response.headers;
    });
    // A buyer comes back when the response says so, and not before the order is at rest.
    await sleep(Number(click.get('retry-after')) * 1_000);
    await until('the order is confirmed', async () => {
      const order = await (await fetch(new URL(click.get('location') ?? '', gatewayUrl), { headers })).json();
      return (order as { status: string }).status === 'confirmed';
    });
  };
}

async function snapshots(stack: Stack, dir: string): Promise<ByService<Ran[]>> {
  const taken = await Promise.all(SERVICES.map((name) => snapshot(dir, stack.services[name][0].pid() as number)));
  return forEachService((name) => taken[SERVICES.indexOf(name)] as Ran[]);
}

const isIn = (those: Ran[], { file, at }: Ran) => those.some((ran) => ran.file === file && ran.at === at);

const filesOf = (ran: Ran[]) => [...new Set(ran.map(({ file }) => file))].toSorted();
