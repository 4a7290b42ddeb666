// Inventory as the gateway reads it: what a newer contract may mean is not guessed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ReopenRequest, ReopenResponse, Sale as WireSale } from '@flashsale/contracts/inventory';
import { type Caller, RpcError, status } from '@flashsale/rpc/handlers';
import { createLog } from '@flashsale/runtime/log';
import { Registry } from '@prometheus-io/client';
import { proxyRpc } from '../../../infra/testbed/rpc-proxy.ts';
import { aSale } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import type { Config } from '../src/config.ts';
import type { Snapshot } from '../src/domain/ports.ts';
import { createInventory } from '../src/outbound/inventory.ts';

const good: WireSale = aSale({ stock: 5, available: 5, mode: 'direct', epoch: 1, revision: 1 });
let returned = good;
let reopen: (request: ReopenRequest, caller: Caller) => AsyncIterable<ReopenResponse>;
const neighbour = await proxyRpc('inventory');
neighbour.on('getSale', async () => ({ sale: returned }));
neighbour.on('listSales', async () => ({ sales: [good, returned] }));
neighbour.on('reopen', (request, _forward, caller) => reopen(request, caller));
const config = { INVENTORY_ADDRESS: neighbour.address, RPC_DEADLINE_MS: 10_000 };
const log = createLog('test', 'silent');
const inventory = createInventory(config as Config, log, new Registry());
const shorter = createInventory({ ...config, RPC_DEADLINE_MS: 200 } as Config, log, new Registry());
after(async () => {
  inventory.stop();
  shorter.stop();
  await neighbour.stop();
});

test('a sale is read as it is', async () => {
  returned = good;
  const { mode, checkout, price } = (await inventory.getSale(good.id)) ?? {};
  assert.deepEqual([mode, checkout, price], ['direct', 'instant', good.price]);
});

const { price: _, ...free } = good;
const strange: Record<string, WireSale> = {
  'of an unknown mode': { ...good, mode: 'raffle' },
  'of an unknown checkout': { ...good, checkout: 'later' },
  'without a price': free as WireSale,
};
for (const [what, sale] of Object.entries(strange))
  test(`a sale ${what} is refused, not taken for another`, async () => {
    returned = sale;
    await assert.rejects(inventory.getSale(sale.id), /means nothing here/);
    const sales = await inventory.listSales();
    assert.deepEqual(
      sales.map(({ mode }) => mode),
      ['direct'],
      'the others are there',
    );
  });

test('sales are listed with what inventory has of them', async () => {
  returned = { ...good, available: 2, held: 1, sold: 2 };
  const [, { available, held, sold } = assert.fail()] = await inventory.listSales();
  assert.deepEqual([available, held, sold], [2, 1, 2]);
});

const unit = (orderId: string) => ({ orderId, buyerId: 'alice', quantity: 1 });
async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
async function* inPages(epoch: number): AsyncGenerator<ReopenResponse> {
  yield { sale: { ...good, epoch, available: 2 }, reservations: [] };
  yield { sale: undefined, reservations: [unit('a'), unit('b')] };
  yield { sale: undefined, reservations: [unit('c')] };
}

test('a reopened sale comes with its new epoch first, then page by page', async () => {
  reopen = ({ expectedEpoch, gateEpoch }) => inPages(Math.max(expectedEpoch, gateEpoch) + 1);
  const { sale, available, pages } = (await inventory.reopen(good.id, 1, 4)) as Snapshot;
  assert.deepEqual([sale.epoch, available], [5, 2]);
  const taken = await collect(pages);
  assert.deepEqual(
    taken.map((page) => page.map(({ orderId }) => orderId)),
    [['a', 'b'], ['c']],
  );
});

test('an epoch that is not given is no error: lost, too soon, or too many at once', async () => {
  for (const code of [status.ABORTED, status.RESOURCE_EXHAUSTED]) {
    // biome-ignore lint/correctness/useYield: it fails before its first response.
    reopen = async function* () {
      throw new RpcError(code, 'not now');
    };
    assert.equal(await inventory.reopen(good.id, 1, 1), undefined);
  }
  // biome-ignore lint/correctness/useYield: it fails before its first response.
  reopen = async function* () {
    throw new RpcError(status.INTERNAL, 'it is not known');
  };
  await assert.rejects(inventory.reopen(good.id, 1, 1), /it is not known/);
});

test('a snapshot that does not begin within the deadline of a call is given up; its pages may take longer', async () => {
  let gone = 0;
  const note = (caller: Caller) => caller.signal.addEventListener('abort', () => gone++, { once: true });
  reopen = async function* (_request, caller) {
    note(caller);
    await new Promise((resolve) => caller.signal.addEventListener('abort', resolve));
    yield* inPages(2);
  };
  await assert.rejects(shorter.reopen(good.id, 1, 1), /CANCELLED/);
  await until('the server knows', () => gone === 1);
  const { promise: resumed, resolve: goOn } = Promise.withResolvers<void>();
  reopen = async function* () {
    const [first, ...pages] = await collect(inPages(2));
    if (first) yield first;
    await resumed;
    yield* pages;
  };
  const { pages } = (await shorter.reopen(good.id, 1, 1)) as Snapshot;
  setTimeout(goOn, 400);
  assert.equal((await collect(pages)).length, 2);
});

test('a snapshot whose pages are not needed any more ends its call, read or not', async () => {
  for (const read of [0, 1]) {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    reopen = async function* (_request, caller) {
      caller.signal.addEventListener('abort', () => end());
      yield* inPages(2);
      await ended;
    };
    const { pages } = (await inventory.reopen(good.id, 1, 1)) as Snapshot;
    const reading = pages[Symbol.asyncIterator]();
    for (let i = 0; i < read; i += 1) await reading.next();
    await reading.return?.();
    await ended;
  }
});
