// Follows one queued order through the whole system, from the click to the GET that says confirmed, and lists the source
// files in which a function ran because of it.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICES } from '../address-book/address-book.ts';
import { createTokens } from '../buyers/buyers.ts';
import { createShop } from '../clients/shop.ts';
import { type ByService, forEachService } from '../native/addresses.ts';
import { LOCAL } from '../native/leftovers.ts';
import { type Stack, startStack } from '../native/stack.ts';
import { until } from '../until.ts';
import { keepsCoverage, type Ran, snapshot } from './coverage.ts';

/** Longer than the intervals of the background jobs, so that each runs in both windows. */
const WINDOW_MS = 5_000;
const HOUR_MS = 3_600_000;

export interface Tour {
  /** By process: files with a function that ran only in the window with the order. */
  files: ByService<string[]>;
  /** All files in which anything ran in that window, what background jobs run anyway included. */
  window: ByService<string[]>;
}

export async function tour(signal?: AbortSignal, log = (_: string) => {}): Promise<Tour> {
  const dir = join(LOCAL, `tour-${process.pid}`);
  const coverage = join(dir, 'coverage');
  const settings = forEachService(() => keepsCoverage(coverage));
  const stack = await startStack({ dir, settings, log, ...(signal && { signal }) });
  try {
    const order = await openSale(stack);
    const ranIn = async (work: () => Promise<unknown>) => {
      await snapshots(stack, coverage);
      await Promise.all([work(), sleep(WINDOW_MS)]);
      return snapshots(stack, coverage);
    };
    // Several at once open the connections of which the one order takes some.
    await Promise.all(Array.from({ length: 5 }, (_, i) => order(`warm-up-${i}`)));
    const idle = await ranIn(async () => undefined);
    const window = await ranIn(() => order('buyer'));
    const files = forEachService((name) => filesOf(window[name].filter((ran) => !isIn(idle[name], ran))));
    return { files, window: forEachService((name) => filesOf(window[name])) };
  } finally {
    await stack.stop();
  }
}

/** Returns how a buyer places an order and follows it until it is confirmed. */
async function openSale({ gatewayUrl, tokenSecret }: Stack) {
  const tokenFor = createTokens(tokenSecret);
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
    const location = await until('the click is accepted', async () => {
      const click = await fetch(`${gatewayUrl}/v1/sales/${id}/orders`, { method: 'POST', headers, body: '{}' });
      return click.status === 202 && click.headers.get('location');
    });
    await until('the order is confirmed', async () => {
      const order = await (await fetch(new URL(location, gatewayUrl), { headers })).json();
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
