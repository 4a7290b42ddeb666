// Rebuilding a gate, rule by rule: the lease first, the epoch once, the gate replaced once, and nothing that is not needed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../infra/until.ts';
import { createCatalogue } from '../src/domain/catalogue.ts';
import type { GateState, Lease, SaleStock, Snapshot } from '../src/domain/ports.ts';
import { whyInvalid } from '../src/domain/rebuild-gate.ts';
import { createWatch, type WatchPorts } from '../src/domain/watch-sales.ts';
import { aSale } from './gates.ts';

const stateOf = (epoch: number, more: Partial<GateState> = {}): GateState => ({
  ...{ epoch, revision: 1, stock: 5, tickets: 5, current: true, waiting: 0, pending: 0 },
  ...more,
});
const aStock = (sale: Parameters<typeof aSale>[1] = {}, stock: Partial<SaleStock> = {}): SaleStock => ({
  ...aSale(5, sale),
  ...{ available: 5, held: 0, sold: 0 },
  ...stock,
});

interface Options {
  sales?: SaleStock[];
  /** By sale; without one there is no gate. */
  gates?: Map<string, GateState>;
  lease?: (saleId: string) => Promise<Lease | undefined>;
  makeRoom?: () => Promise<boolean>;
  replace?: (snapshot: Snapshot, lost: AbortSignal) => Promise<boolean>;
  reopen?: () => Promise<'too-soon' | undefined>;
  change?: (sale: { id: string }) => Promise<void>;
  waiting?: () => Promise<number>;
  courtesyMs?: number;
  atRestMs?: number;
}

/** Inventory, Redis and the queue as far as a watch asks them; what was asked, in order. */
function aShop(options: Options = {}) {
  const asked: string[] = [];
  const warned: string[] = [];
  const rebuilt: string[] = [];
  let [pagesEnded, reads] = [0, 0];
  const sales = new Map((options.sales ?? []).map((sale) => [sale.id, sale]));
  const gates = options.gates ?? new Map<string, GateState>();
  const lease = options.lease ?? (async () => ({ lost: new AbortController().signal, release: async () => {} }));
  const inventory = {
    listSales: async () => [...sales.values()],
    createSale: async (sale: SaleStock) => {
      if (!sales.has(sale.id)) sales.set(sale.id, { ...sale, available: sale.stock, held: 0, sold: 0 });
      return sale;
    },
    getSale: async (id: string) => sales.get(id),
    async reopen(id: string, expected: number, gateEpoch: number): Promise<Snapshot | undefined> {
      asked.push(`reopen ${expected}`);
      const sale = sales.get(id) as SaleStock;
      if (sale.epoch !== expected || (await options.reopen?.())) return undefined;
      const raised = { ...sale, epoch: Math.max(expected, gateEpoch) + 1 };
      sales.set(id, raised);
      const pages = { [Symbol.asyncIterator]: () => ({ next: assert.fail, return: async () => ended() }) };
      return { sale: raised, available: raised.available, pages: pages as Snapshot['pages'] };
    },
  };
  const ended = () => {
    pagesEnded += 1;
    return { done: true, value: undefined } as const;
  };
  const catalogue = createCatalogue(inventory);
  const ports = {
    inventory,
    catalogue,
    gate: {
      async read(ids: string[]) {
        reads += 1;
        return ids.map((id) => gates.get(id));
      },
      levels: async (ids: string[]) => ids.map((id) => gates.get(id) ?? null),
      async change(sale: SaleStock) {
        asked.push(`change ${sale.revision}`);
        await options.change?.(sale);
      },
      async expire(id: string) {
        asked.push('expire');
        return gates.delete(id);
      },
      async lease(id: string) {
        asked.push('lease');
        return lease(id);
      },
      async makeRoom(_id: string, _epoch: number, records: number) {
        asked.push(`room for ${records}`);
        return options.makeRoom?.() ?? true;
      },
      async replace(snapshot: Snapshot, lost: AbortSignal) {
        asked.push(`replace ${snapshot.sale.epoch}`);
        const replaced = (await options.replace?.(snapshot, lost)) ?? true;
        if (replaced) gates.set(snapshot.sale.id, stateOf(snapshot.sale.epoch, { tickets: snapshot.available }));
        return replaced;
      },
    },
    queue: { waiting: options.waiting ?? (async () => 0) },
    clock: { nowMs: () => Date.now() },
    directDeadlineMs: 1,
    courtesyMs: options.courtesyMs ?? 0,
    atRestMs: options.atRestMs ?? 10_000,
    shut: async (_id: string, epoch: number, reason: string) => void asked.push(`shut ${epoch}: ${reason}`),
    rebuilt: (_id: string, reason: string) => void rebuilt.push(reason),
    seeWaiting: () => undefined,
    rebuildFailed: (id: string, error: Error) => void warned.push(`${id}: ${error.message}`),
    warn: (id: string, error: Error) => void warned.push(`${id}: ${error.message}`),
  };
  const watch = createWatch(ports as unknown as WatchPorts);
  /** One round, and all that it started. */
  async function round() {
    await watch.refreshSales();
    for (let before = -1; before !== asked.length; await sleep(20)) before = asked.length;
  }
  return {
    asked,
    warned,
    rebuilt,
    sales,
    gates,
    inventory,
    catalogue,
    watch,
    round,
    pagesEnded: () => pagesEnded,
    reads: () => reads,
  };
}

const withoutLease = (asked: string[]) => asked.filter((it) => it !== 'lease' && !it.startsWith('room'));

test('a gate is not valid when there is none, when it is of another Redis, or of another epoch than inventory’s', () => {
  const sale = aSale(5, { epoch: 2 });
  assert.equal(whyInvalid({ epoch: 0 }, undefined), 'first');
  assert.equal(whyInvalid(sale, undefined), 'missing');
  assert.equal(whyInvalid(sale, stateOf(2, { current: false })), 'history');
  assert.equal(whyInvalid(sale, stateOf(1)), 'epoch');
  assert.equal(whyInvalid(sale, stateOf(3)), 'epoch');
  assert.equal(whyInvalid(sale, stateOf(2)), undefined);
});

test('lease, room, epoch, gate: in that order, and the new epoch is known at once', async () => {
  const sale = aStock({ epoch: 1 }, { held: 1, sold: 2, available: 2 });
  const shop = aShop({ sales: [sale] });
  await shop.round();
  assert.deepEqual(shop.asked, ['lease', 'room for 3', 'reopen 1', 'replace 2']);
  assert.equal((await shop.catalogue.find(sale.id))?.epoch, 2);
  assert.deepEqual([shop.rebuilt, shop.pagesEnded()], [['missing'], 1]);
  await shop.round();
  assert.equal(shop.asked.length, 4, 'a valid gate is left alone');
});

test('a gate whose lease another gateway holds is left to it', async () => {
  const shop = aShop({ sales: [aStock()], lease: async () => undefined });
  await shop.round();
  assert.deepEqual([shop.asked, shop.warned], [['lease'], []]);
});

test('a Redis that cannot be written costs no epoch', async () => {
  const lease = () => Promise.reject(new Error('READONLY'));
  const shop = aShop({ sales: [aStock()], lease });
  await shop.round();
  await shop.round();
  assert.deepEqual(shop.asked, ['lease', 'lease']);
  assert.equal(shop.warned.length, 2);
});

test('a Redis without room for the new gate costs no epoch, and its lease is given back', async () => {
  let released = 0;
  const release = async () => {
    released += 1;
  };
  const lease = async () => ({ lost: new AbortController().signal, release });
  const shop = aShop({ sales: [aStock({}, { sold: 5 })], lease, makeRoom: async () => false });
  await shop.round();
  assert.deepEqual([shop.asked, released], [['lease', 'room for 5'], 1]);
});

test('a gateway that has lost its lease stops before it spends an epoch', async () => {
  const losing = new AbortController();
  const lease = async () => ({ lost: losing.signal, release: async () => {} });
  const makeRoom = async () => {
    losing.abort();
    return true;
  };
  const shop = aShop({ sales: [aStock()], lease, makeRoom });
  await shop.round();
  assert.deepEqual(shop.asked, ['lease', 'room for 0']);
});

test('an epoch that inventory does not give replaces nothing', async () => {
  const shop = aShop({ sales: [aStock({ epoch: 3 })], reopen: async () => 'too-soon' });
  await shop.round();
  assert.deepEqual([withoutLease(shop.asked), shop.rebuilt, shop.warned], [['reopen 3'], [], []]);
});

test('a replacement with an unknown outcome is not sent again: the next round takes an epoch of its own', async () => {
  let lost = 1;
  const replace = async () => {
    if (lost-- > 0) throw new Error('the answer is lost');
    return true;
  };
  const shop = aShop({ sales: [aStock({ mode: 'direct' })], replace });
  await shop.round();
  await shop.round();
  assert.deepEqual(withoutLease(shop.asked), ['reopen 1', 'replace 2', 'reopen 2', 'replace 3']);
  assert.deepEqual([shop.warned.length, shop.rebuilt.length, shop.pagesEnded()], [1, 1, 2]);
});

test('a gate that a later one was put in place of is not counted as rebuilt', async () => {
  const shop = aShop({ sales: [aStock()], replace: async () => false });
  await shop.round();
  assert.deepEqual([withoutLease(shop.asked), shop.rebuilt], [['reopen 1', 'replace 2'], []]);
});

test('a gate that came to be before this gateway held the lease is left alone', async () => {
  const sale = aStock({ epoch: 2 });
  const gates = new Map<string, GateState>();
  const lease = async () => {
    gates.set(sale.id, stateOf(2));
    return { lost: new AbortController().signal, release: async () => {} };
  };
  const shop = aShop({ sales: [sale], gates, lease });
  await shop.round();
  assert.deepEqual(shop.asked, ['lease']);
});

test('an inventory restored from a backup passes the gate’s epoch in one step, even after the gate is gone', async () => {
  const sale = aStock({ epoch: 3 });
  const gates = new Map([[sale.id, stateOf(5)]]);
  const makeRoom = async () => {
    gates.delete(sale.id);
    return true;
  };
  const attempts = [false, true];
  const replace = async () => attempts.shift() === true;
  const shop = aShop({ sales: [sale], gates, makeRoom, reopen: async () => undefined, replace });
  await shop.round();
  shop.sales.set(sale.id, { ...sale, epoch: 3 });
  await shop.round();
  assert.deepEqual(withoutLease(shop.asked), ['reopen 3', 'replace 6', 'reopen 3', 'replace 6']);
});

test('an older epoch that inventory says is believed: orders of a later one would be refused', async () => {
  const sale = aStock({ epoch: 5 });
  const shop = aShop({ sales: [sale], gates: new Map([[sale.id, stateOf(5)]]) });
  await shop.round();
  shop.sales.set(sale.id, { ...sale, epoch: 3 });
  shop.gates.set(sale.id, stateOf(3));
  await shop.round();
  assert.equal((await shop.catalogue.find(sale.id))?.epoch, 3);
});

test('queued orders may arrive first: until the queue is empty twice in a row', async () => {
  const counts = [3, 0, 0];
  const shop = aShop({ sales: [aStock()], waiting: async () => counts.shift() ?? 0, courtesyMs: 60_000 });
  await shop.watch.refreshSales();
  await until('it is rebuilt', () => shop.rebuilt.length === 1);
  assert.deepEqual([counts, shop.asked], [[], ['lease', 'room for 0', 'reopen 1', 'replace 2']]);
});

test('a queue that never empties, or cannot be counted, delays the rebuild by the courtesy and no more', async () => {
  const counting = [async () => 7, () => Promise.reject(new Error('no broker'))];
  for (const waiting of counting) {
    const shop = aShop({ sales: [aStock()], waiting, courtesyMs: 300 });
    await shop.watch.refreshSales();
    await until('it is rebuilt', () => shop.rebuilt.length === 1);
  }
});

test('a gate that waits for its turn has had its courtesy meanwhile', async () => {
  const held: (() => void)[] = [];
  const replace = () => new Promise<boolean>((resolve) => held.push(() => resolve(true)));
  const waiting = async () => {
    shop.asked.push('look');
    return 7;
  };
  const shop = aShop({ sales: Array.from({ length: 5 }, () => aStock()), replace, waiting, courtesyMs: 300 });
  await shop.watch.refreshSales();
  await until('four are under way', () => held.length === 4);
  await shop.watch.refreshSales();
  const before = shop.asked.length;
  for (const finish of held) finish();
  await until('the fifth is under way', () => held.length === 5);
  held[4]?.();
  assert.deepEqual(shop.asked.slice(before), ['lease', 'room for 0', 'reopen 1', 'replace 2']);
});

test('the first gate of a sale waits for no orders', async () => {
  const shop = aShop({ sales: [aStock({ epoch: 0 })], waiting: assert.fail, courtesyMs: 60_000 });
  await shop.round();
  assert.deepEqual([withoutLease(shop.asked), shop.rebuilt], [['reopen 0', 'replace 1'], ['first']]);
});

test('a sale that is over and has nothing held is not rebuilt; with a unit held it is', async () => {
  for (const ended of [{ closed: true }, { closesAtMs: Date.now() - 1 }]) {
    const over = aShop({ sales: [aStock(ended, { sold: 3, available: 2 })] });
    await over.round();
    assert.deepEqual(over.asked, []);
    const held = aShop({ sales: [aStock(ended, { held: 1, available: 4 })] });
    await held.round();
    assert.deepEqual(withoutLease(held.asked), ['reopen 1', 'replace 2']);
  }
});

test('the keys of a sale that is over expire once nothing is pending, and then it is looked at no more', async () => {
  const sale = aStock({ closed: true });
  const shop = aShop({ sales: [sale], gates: new Map([[sale.id, stateOf(1, { pending: 1 })]]) });
  await shop.round();
  assert.deepEqual([shop.asked, shop.catalogue.all().length], [[], 1]);
  shop.gates.set(sale.id, stateOf(1));
  await shop.round();
  await shop.round();
  assert.deepEqual([shop.asked, shop.catalogue.all().length], [['expire'], 0]);
  shop.sales.set(sale.id, { ...sale, closed: false, revision: 2 });
  await shop.round();
  assert.deepEqual(withoutLease(shop.asked), ['expire', 'reopen 1', 'replace 2']);
});

test('a sale that was over and done is looked at again when a late order is reserved, until that is done too', async () => {
  const sale = aStock({ closed: true });
  const shop = aShop({ sales: [sale] });
  await shop.round();
  await shop.round();
  assert.deepEqual([shop.asked, shop.catalogue.all().length], [[], 0]);
  shop.sales.set(sale.id, { ...sale, held: 1, available: sale.available - 1 });
  await shop.round();
  const reopened = shop.sales.get(sale.id) as SaleStock;
  shop.sales.set(sale.id, { ...reopened, held: 0, sold: 1 });
  shop.gates.set(sale.id, stateOf(2, { pending: 1 }));
  await shop.round();
  await shop.round();
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
  const shop = aShop({ sales, gates, change });
  await shop.round();
  assert.deepEqual(shop.asked.toSorted(), ['change 2', 'change 2', 'change 2', 'expire']);
  assert.deepEqual(shop.warned, [`${sales[0]?.id}: no`]);
});

test('at most four gates are rebuilt at once, and the next begins when one is done', async () => {
  const sales = Array.from({ length: 7 }, () => aStock());
  const done: (() => void)[] = [];
  const replace = () => new Promise<boolean>((resolve) => done.push(() => resolve(true)));
  const shop = aShop({ sales, replace });
  await shop.round();
  await shop.round();
  assert.equal(done.length, 4);
  done[0]?.();
  await until('the fifth begins', () => done.length === 5);
  for (let i = 1; i < 7; i += 1) await until('it begins', () => done[i]).then((finish) => finish?.());
  await until('all are done', () => shop.rebuilt.length === 7);
});

test('the caller who makes a sale is answered when its gate is open, even if a round was already opening it', async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<boolean>();
  const made: string[] = [];
  const sale = aStock({ epoch: 0 });
  const shop = aShop({ sales: [sale], replace: () => opened });
  await shop.round();
  const making = shop.watch.createSale(sale).then(({ epoch }) => made.push(`made, epoch ${epoch}`));
  await new Promise(setImmediate);
  assert.deepEqual(made, []);
  open(true);
  await making;
  assert.deepEqual([withoutLease(shop.asked), made], [['reopen 0', 'replace 1'], ['made, epoch 1']]);
});

test('the caller who makes a sale is answered when another gateway has opened its gate', async () => {
  const sale = aStock({ epoch: 0 });
  const shop = aShop({ lease: async () => undefined });
  const making = shop.watch.createSale(sale);
  await until('it asks for the lease', () => shop.asked.length === 1);
  shop.sales.set(sale.id, { ...sale, epoch: 1 });
  shop.gates.set(sale.id, stateOf(1));
  assert.equal((await making).epoch, 1);
});

test('a gate that contradicts inventory at rest, unchanged for long enough, is shut', async () => {
  const sale = aStock({}, { available: 3, sold: 2 });
  const shop = aShop({ sales: [sale], gates: new Map([[sale.id, stateOf(1)]]), atRestMs: 300 });
  await shop.round();
  assert.deepEqual(shop.asked, []);
  await until('it is shut', () => shop.round().then(() => shop.asked.length > 0));
  assert.equal(shop.asked[0], 'shut 1: at_rest');
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
    const shop = aShop({ sales: [{ ...sale, ...stock }], gates, atRestMs: 0 });
    for (let i = 0; i < 3; i += 1) await shop.round();
    assert.deepEqual(shop.asked, [], JSON.stringify([stock, state]));
  }
  const shop = aShop({ sales: [sale], gates: new Map(), atRestMs: 0 });
  for (let i = 0; i < 3; i += 1) {
    shop.gates.set(sale.id, stateOf(1, { tickets: 10 + i }));
    await shop.round();
  }
  assert.deepEqual(shop.asked, []);
});

test('an operator has a gate rebuilt by shutting it', async () => {
  const sale = aStock({ epoch: 4 });
  const shop = aShop({ sales: [sale], gates: new Map([[sale.id, stateOf(4)]]) });
  assert.equal(await shop.watch.reopenGate(sale.id), true);
  assert.equal(await shop.watch.reopenGate('another'), false);
  assert.deepEqual(shop.asked, ['shut 4: operator']);
});

test('while inventory does not answer, the gates are still read, and none is rebuilt', async () => {
  const sale = aStock();
  const shop = aShop({ sales: [sale], gates: new Map([[sale.id, stateOf(1)]]) });
  await shop.round();
  shop.inventory.listSales = () => Promise.reject(new Error('no inventory'));
  shop.gates.delete(sale.id);
  const before = shop.reads();
  await assert.rejects(shop.watch.refreshSales(), /no inventory/);
  assert.deepEqual([shop.reads() - before, shop.asked], [1, []]);
});
