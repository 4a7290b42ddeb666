// Where an order stands, rule by rule: what is read, in which order, and when an id is known never to have been.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choiceOf } from '@flashsale/contracts/messages';
import { type FindPorts, findOrder, type OrderRef, UNDECIDED } from '../src/domain/order-view.ts';
import type { Order, OrderView } from '../src/domain/ports.ts';
import { aSale } from './gates.ts';

const NOW = 1_800_000_000_000;
const ORDER = { orderId: 'x', saleId: 'sale', buyerId: 'alice', ...choiceOf({ quantity: 1 }), epoch: 4 };
const QUEUED: OrderView = { ...UNDECIDED, ...ORDER, status: 'queued' };
const ROW: Order = {
  ...{ ...UNDECIDED, ...ORDER, status: 'placed', version: 1 },
  ...{ deadlineMs: NOW + 60_000, final: false, payRequested: false },
};

interface Given {
  view?: OrderView;
  /** The gate's record of this buyer's order. */
  state?: 'unsent' | 'sent' | 'sold' | null;
  owner?: string;
  position?: null;
  absent?: boolean | Error;
  row?: Order;
  decideWithinSeconds?: number[];
}

function portsOf(given: Given) {
  const read: string[] = [];
  const shown: OrderView[] = [];
  const note = async <T>(what: string, value: T) => {
    read.push(what);
    if (value instanceof Error) throw value;
    return value as Exclude<T, Error>;
  };
  const ports = {
    views: {
      find: async () => given.view,
      show: async (view: OrderView) => void shown.push(view),
    },
    gate: {
      orderOf: (_saleId: string, buyerId: string) =>
        note('gate', given.state && buyerId === (given.owner ?? 'alice') ? 'x' : null),
      stateOf: async () => given.state ?? null,
      position: async () => (given.state === 'sold' ? null : given.position === undefined ? 3 : null),
      absent: (_order: object, epoch: number) => note(`absent ${epoch}`, given.absent ?? false),
    },
    orders: { get: () => note('orders', new Map(given.row ? [['x', given.row]] : [])) },
    clock: { nowMs: () => NOW },
    estimate: { waitMs: () => 700 },
    sales: () =>
      (given.decideWithinSeconds ?? [600]).map((seconds, i) =>
        aSale(1, { id: i === 0 ? 'sale' : `other ${i}`, decideWithinSeconds: seconds }),
      ),
  } as unknown as FindPorts;
  return { ports, read, shown };
}

async function finding(given: Given, own: Partial<OrderRef> = {}) {
  const { ports, read, shown } = portsOf(given);
  const question = { orderId: 'x', buyerId: 'alice', mintedAtMs: NOW - 5_000, ...own };
  return { order: await findOrder(question, ports), read, shown };
}

const OLD = { mintedAtMs: NOW - 31_000 };
const LOCATED = { saleId: 'sale', epoch: 4 };

test('while the gate knows the order as pending, orders is not read, however long it waits', async () => {
  for (const mintedAtMs of [NOW - 5_000, NOW - 3_000_000])
    for (const state of ['unsent', 'sent'] as const) {
      const { order, read } = await finding({ view: QUEUED, state }, { mintedAtMs });
      assert.deepEqual(read, ['gate']);
      assert.deepEqual([order?.status, order?.waiting], ['queued', { position: 3, waitMs: 700 }]);
    }
  const unseen = await finding({ state: 'sent' }, LOCATED);
  assert.deepEqual([unseen.order?.status, unseen.read], ['queued', ['gate']]);
});

test('an order that was restored with its gate is read from orders until its view is there again', async () => {
  const held: Order = { ...ROW, status: 'reserved', version: 2 };
  const restored = await finding({ state: 'sent', position: null, row: held }, LOCATED);
  assert.deepEqual([restored.order?.status, restored.order?.deadlineMs], ['reserved', held.deadlineMs]);
  assert.deepEqual([restored.read, restored.shown.length], [['gate', 'orders'], 1]);
  const view = restored.shown[0] as OrderView;
  const again = await finding({ view, state: 'sent', position: null, row: held }, LOCATED);
  assert.deepEqual([again.order?.status, again.read], ['reserved', ['gate']]);
});

test('an order that the gate does not have pending is read from orders, and its row is written to the view', async () => {
  const confirmed: Order = { ...ROW, status: 'confirmed', version: 3, final: true, decidedAtMs: NOW };
  for (const state of ['sold', null] as const) {
    const { order, read, shown } = await finding({ view: QUEUED, state, row: confirmed }, OLD);
    assert.deepEqual([order?.status, read.at(-1)], ['confirmed', 'orders']);
    assert.deepEqual(
      shown.map(({ version }) => version),
      [3],
    );
  }
});

test('a final order is read from its view alone', async () => {
  const { order, read } = await finding({ view: { ...QUEUED, status: 'expired', version: 3 } });
  assert.deepEqual([order?.status, read], ['expired', []]);
});

test('a hold past its deadline is read from orders although the gate still has it', async () => {
  const held: OrderView = { ...QUEUED, status: 'reserved', version: 2, deadlineMs: NOW + 1 };
  assert.deepEqual((await finding({ view: held, state: 'sent' })).read, ['gate']);
  const late = { ...held, deadlineMs: NOW - 1 };
  const { order, read } = await finding({ view: late, state: 'sent', row: { ...ROW, status: 'expired' } });
  assert.deepEqual([order?.status, read], ['expired', ['orders']]);
});

test('an id is 404 only if a gate of its epoch never admitted it and then orders has no row: the gate first', async () => {
  const { order, read } = await finding({ absent: true }, { ...OLD, ...LOCATED });
  assert.deepEqual([order, read], [undefined, ['gate', 'absent 4', 'orders']]);
  const inserted = await finding({ absent: true, row: ROW }, { ...OLD, ...LOCATED });
  assert.equal(inserted.order?.status, 'queued');
});

test('an id younger than 30 s is not 404: its admit may be on its way', async () => {
  for (const age of [0, 3_000, 29_999]) {
    const { order, read } = await finding({ absent: true }, { ...LOCATED, mintedAtMs: NOW - age });
    assert.deepEqual([order?.status, read], ['queued', ['gate', 'orders']]);
  }
});

test('while no valid gate of its epoch can say it never was, an id is queued until its sale’s time is over', async () => {
  const ages = [31_000, 599_000, 601_000];
  const statuses = async (given: Given, own: Partial<OrderRef>) =>
    Promise.all(ages.map(async (age) => (await finding(given, { ...own, mintedAtMs: NOW - age })).order?.status));
  assert.deepEqual(await statuses({ absent: false }, LOCATED), ['queued', 'queued', undefined]);
  assert.deepEqual(await statuses({ absent: new Error('no Redis') }, LOCATED), ['queued', 'queued', undefined]);
  assert.deepEqual(await statuses({ absent: true }, {}), ['queued', 'queued', undefined], 'without sale and epoch');
  assert.deepEqual(await statuses({ view: QUEUED }, {}), ['queued', 'queued', undefined], 'with a view that is left');
  const longer = { decideWithinSeconds: [10, 900] };
  assert.deepEqual(await statuses(longer, {}), ['queued', 'queued', 'queued'], 'the longest of all sales');
  assert.deepEqual(await statuses(longer, { saleId: 'sale' }), [undefined, undefined, undefined], 'its own');
  assert.deepEqual(await statuses({ decideWithinSeconds: [] }, {}), ['queued', 'queued', 'queued'], 'no sale is known');
});

test('an id a little in the future is young, for clocks differ; one of tomorrow is 404', async () => {
  assert.equal((await finding({}, { mintedAtMs: NOW + 59_000 })).order?.status, 'queued');
  assert.equal((await finding({}, { mintedAtMs: NOW + 61_000 })).order, undefined);
});

test('another buyer’s order is 404, in whichever store it is', async () => {
  const bob = { buyerId: 'bob', ...LOCATED };
  assert.equal((await finding({ view: QUEUED, state: 'sent' }, bob)).order, undefined);
  assert.equal((await finding({ row: ROW }, bob)).order, undefined);
  const unseen = await finding({ state: 'sent', row: ROW }, bob);
  assert.equal(unseen.order, undefined);
});
