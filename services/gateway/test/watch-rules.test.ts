// Watching sales, rule by rule: which gates are rebuilt, changed, shut or left alone, and what their callers wait for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import type { GateState, SaleStock } from '../src/domain/ports.ts';
import { aStock, stateOf, watchedSales, withoutLease } from './watched-sales.ts';

test('a sale that is over and has nothing held is not rebuilt; with a unit held it is', async () => {
  for (const ended of [{ closed: true }, { closesAtMs: Date.now() - 1 }]) {
    const over = watchedSales({ sales: [aStock(ended, { sold: 3, available: 2 })] });
    await over.refresh();
    assert.deepEqual(over.calls, []);
    const held = watchedSales({ sales: [aStock(ended, { held: 1, available: 4 })] });
    await held.refresh();
    assert.deepEqual(withoutLease(held.calls), ['reopen 1', 'replace 2']);
  }
});

test('the keys of a sale that is over expire once nothing is pending, and then it is checked no more', async () => {
  const sale = aStock({ closed: true });
  const shop = watchedSales({ sales: [sale], gates: new Map([[sale.id, stateOf(1, { pending: 1 })]]) });
  await shop.refresh();
  assert.deepEqual([shop.calls, shop.catalogue.all().length], [[], 1]);
  shop.gates.set(sale.id, stateOf(1));
  await shop.refresh();
  await shop.refresh();
  assert.deepEqual([shop.calls, shop.catalogue.all().length], [['expire'], 0]);
  shop.sales.set(sale.id, { ...sale, closed: false, revision: 2 });
  await shop.refresh();
  assert.deepEqual(withoutLease(shop.calls), ['expire', 'reopen 1', 'replace 2']);
});

test('a sale that was over and done is checked again when a late order is reserved, until that is done too', async () => {
  const sale = aStock({ closed: true });
  const shop = watchedSales({ sales: [sale] });
  await shop.refresh();
  await shop.refresh();
  assert.deepEqual([shop.calls, shop.catalogue.all().length], [[], 0]);
  shop.sales.set(sale.id, { ...sale, held: 1, available: sale.available - 1 });
  await shop.refresh();
  const reopened = shop.sales.get(sale.id) as SaleStock;
  shop.sales.set(sale.id, { ...reopened, held: 0, sold: 1 });
  shop.gates.set(sale.id, stateOf(2, { pending: 1 }));
  await shop.refresh();
  await shop.refresh();
  assert.deepEqual(
    shop.catalogue.pending().map(({ id }) => id),
    [sale.id],
    'its records are swept',
  );
});

test('a gate of an older revision is changed, also when its sale is over, and one that fails keeps no other back', async () => {
  const sales = [aStock({ revision: 2 }), aStock({ revision: 2, closed: true }), aStock({ revision: 2 })];
  const gates = new Map(sales.map(({ id }) => [id, stateOf(1)]));
  const change = async ({ id }: { id: string }) => {
    if (id === sales[0]?.id) throw new Error('no');
  };
  const shop = watchedSales({ sales, gates, change });
  await shop.refresh();
  assert.deepEqual(shop.calls.toSorted(), ['change 2', 'change 2', 'change 2', 'expire']);
  assert.deepEqual(shop.warned, [`${sales[0]?.id}: no`]);
});

test('at most four gates are rebuilt at once, and the next begins when one is done', async () => {
  const sales = times(7, () => aStock());
  const done: (() => void)[] = [];
  const replace = () => new Promise<boolean>((resolve) => done.push(() => resolve(true)));
  const shop = watchedSales({ sales, replace });
  await shop.refresh();
  await shop.refresh();
  assert.equal(done.length, 4);
  done[0]?.();
  await until('the fifth begins', () => done.length === 5);
  for (let i = 1; i < 7; i += 1) await until('it begins', () => done[i]).then((finish) => finish?.());
  await until('all are done', () => shop.rebuilt.length === 7);
});

test('the caller who makes a sale has a response when its gate is open, even if a refresh was already opening it', async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<boolean>();
  const made: string[] = [];
  const sale = aStock({ epoch: 0 });
  const shop = watchedSales({ sales: [sale], replace: () => opened });
  await shop.refresh();
  const making = shop.watch.createSale(sale).then(({ epoch }) => made.push(`made, epoch ${epoch}`));
  await new Promise(setImmediate);
  assert.deepEqual(made, []);
  open(true);
  await making;
  assert.deepEqual([withoutLease(shop.calls), made], [['reopen 0', 'replace 1'], ['made, epoch 1']]);
});

test('the caller who makes a sale has a response when another gateway has opened its gate', async () => {
  const sale = aStock({ epoch: 0 });
  const shop = watchedSales({ lease: async () => undefined });
  const making = shop.watch.createSale(sale);
  await until('it requests the lease', () => shop.calls.length === 1);
  shop.sales.set(sale.id, { ...sale, epoch: 1 });
  shop.gates.set(sale.id, stateOf(1));
  assert.equal((await making).epoch, 1);
});

test('a gate that contradicts inventory at rest, unchanged for long enough, is shut', async () => {
  const sale = aStock({}, { available: 3, sold: 2 });
  const shop = watchedSales({ sales: [sale], gates: new Map([[sale.id, stateOf(1)]]), atRestMs: 300 });
  await shop.refresh();
  assert.deepEqual(shop.calls, []);
  await until('it is shut', () => shop.refresh().then(() => shop.calls.length > 0));
  assert.equal(shop.calls[0], 'shut 1: at_rest');
});

test('what moves is no contradiction: pending, held, another revision or epoch, or numbers that change', async () => {
  const sale = aStock({ epoch: 1 }, { available: 3, sold: 2 });
  const moving: [Partial<SaleStock>, Partial<GateState>][] = [
    [{}, { pending: 1 }],
    [{ held: 1 }, {}],
    [{}, { revision: 2 }],
    [{}, { tickets: 3 }],
  ];
  for (const [stock, state] of moving) {
    const gates = new Map([[sale.id, stateOf(1, state)]]);
    const shop = watchedSales({ sales: [{ ...sale, ...stock }], gates, atRestMs: 0 });
    for (let i = 0; i < 3; i += 1) await shop.refresh();
    assert.deepEqual(shop.calls, [], JSON.stringify([stock, state]));
  }
  const shop = watchedSales({ sales: [sale], gates: new Map(), atRestMs: 0 });
  for (let i = 0; i < 3; i += 1) {
    shop.gates.set(sale.id, stateOf(1, { tickets: 10 + i }));
    await shop.refresh();
  }
  assert.deepEqual(shop.calls, []);
});

test('an operator has a gate rebuilt by shutting it', async () => {
  const sale = aStock({ epoch: 4 });
  const shop = watchedSales({ sales: [sale], gates: new Map([[sale.id, stateOf(4)]]) });
  assert.equal(await shop.watch.reopenGate(sale.id), true);
  assert.equal(await shop.watch.reopenGate('another'), false);
  assert.deepEqual(shop.calls, ['shut 4: operator']);
});

test('while inventory does not respond, the gates are still read, and none is rebuilt', async () => {
  const sale = aStock();
  const shop = watchedSales({ sales: [sale], gates: new Map([[sale.id, stateOf(1)]]) });
  await shop.refresh();
  shop.inventory.listSales = () => Promise.reject(new Error('no inventory'));
  shop.gates.delete(sale.id);
  const before = shop.reads();
  await assert.rejects(shop.watch.refreshSales(), /no inventory/);
  assert.deepEqual([shop.reads() - before, shop.calls], [1, []]);
});
