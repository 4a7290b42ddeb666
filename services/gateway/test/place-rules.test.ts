// One click, rule by rule: `busy` is only said when it is sure that nothing happened.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrderStatus } from '@flashsale/contracts/wire';
import { createCap } from '../src/domain/cap.ts';
import { type PlacePorts, placeOrder, refuseEarly } from '../src/domain/place-order.ts';
import type { Admission } from '../src/domain/ports.ts';
import { anOrder, aSale } from './gates.ts';

interface World {
  admission?: Admission['kind'];
  refused?: boolean | Error;
  published?: 'confirmed' | 'returned' | 'unsent' | 'unknown';
  placed?: 'shed' | 'unknown' | OrderStatus;
  available?: boolean;
  most?: number;
  soldOut?: boolean;
}

function portsOf(world: World, done: string[] = []): PlacePorts {
  const note = <T>(what: string, value: T) => {
    done.push(what);
    return value;
  };
  return {
    gate: {
      admit: async () => note('admit', { kind: world.admission ?? 'admitted', orderId: 'other' }),
      refuse: async () => {
        const { refused = true } = world;
        if (refused instanceof Error) throw note('refuse', refused);
        return note('refuse', refused);
      },
      markSent: async () => note('markSent', undefined),
    },
    queue: {
      available: () => world.available ?? true,
      publish: async () => note('publish', world.published ?? 'confirmed'),
    },
    orders: {
      available: () => world.available ?? true,
      place: async () => {
        const { placed = 'confirmed' } = world;
        return note('place', placed === 'shed' || placed === 'unknown' ? placed : { orderId: 'x', status: placed });
      },
    },
    views: { show: async () => undefined },
    cap: createCap(world.most ?? 1),
    catalogue: { soldOut: () => world.soldOut ?? false },
    dueInMs: { queued: 1, direct: 1 },
    lookAgain: () => note('look again', undefined),
    warn: () => undefined,
  } as unknown as PlacePorts;
}

async function clicking(mode: 'queued' | 'direct', world: World): Promise<[string, ...string[]]> {
  const sale = aSale(1, { mode });
  const done: string[] = [];
  const { kind } = await placeOrder(sale, { command: anOrder(sale, 'alice') }, portsOf(world, done));
  return [kind, ...done];
}

test('queued: yes only after the broker has confirmed', async () => {
  assert.deepEqual(await clicking('queued', {}), ['queued', 'admit', 'publish', 'markSent']);
  assert.deepEqual(await clicking('queued', { published: 'unknown' }), ['unknown', 'admit', 'publish']);
});

test('queued: what no queue took is busy if the gate could give it back, and else unknown', async () => {
  for (const published of ['returned', 'unsent'] as const) {
    assert.deepEqual(await clicking('queued', { published }), ['busy', 'admit', 'publish', 'refuse']);
    for (const refused of [false, new Error('Redis is away')])
      assert.deepEqual(await clicking('queued', { published, refused }), ['unknown', 'admit', 'publish', 'refuse']);
  }
});

test('direct: shed is busy if the gate could give it back, and else unknown', async () => {
  assert.deepEqual(await clicking('direct', { placed: 'shed' }), ['busy', 'admit', 'place', 'refuse']);
  for (const refused of [false, new Error('Redis is away')])
    assert.deepEqual(await clicking('direct', { placed: 'shed', refused }), ['unknown', 'admit', 'place', 'refuse']);
});

test('direct: only a final answer is an answer', async () => {
  assert.deepEqual(await clicking('direct', { placed: 'confirmed' }), ['confirmed', 'admit', 'place']);
  assert.deepEqual(await clicking('direct', { placed: 'rejected' }), ['rejected', 'admit', 'place']);
  for (const placed of ['expired', 'cancelled'] as const)
    assert.deepEqual(await clicking('direct', { placed }), ['rejected', 'admit', 'place']);
  for (const placed of ['unknown', 'placed', 'held'] as const)
    assert.deepEqual(await clicking('direct', { placed }), ['unknown', 'admit', 'place']);
});

test('both: the gate’s no ends it, a stale gate is busy, and an admit without an answer is not sent again', async () => {
  for (const mode of ['queued', 'direct'] as const) {
    for (const admission of ['already-bought', 'sold-out', 'not-open', 'closed', 'unknown'] as const)
      assert.deepEqual(await clicking(mode, { admission }), [admission, 'admit']);
    assert.deepEqual(await clicking(mode, { admission: 'stale' }), ['busy', 'admit', 'look again']);
  }
});

test('both: without room there is no admit', async () => {
  assert.deepEqual(await clicking('queued', { available: false }), ['busy']);
  assert.deepEqual(await clicking('direct', { most: 0 }), ['busy']);
  assert.deepEqual(await clicking('direct', { available: false }), ['busy']);
});

test('whoever leaves makes room, however it ended', async () => {
  const sale = aSale(1, { mode: 'direct' });
  const ports = portsOf({});
  for (const placed of ['confirmed', 'unknown', 'shed'] as const) {
    const { orders } = portsOf({ placed });
    await placeOrder(sale, { command: anOrder(sale, 'alice') }, { ...ports, orders });
    assert.equal(ports.cap.full(), false);
  }
  const broken = { ...ports, orders: { ...ports.orders, place: () => Promise.reject(new Error('a bug')) } };
  await assert.rejects(placeOrder(sale, { command: anOrder(sale, 'alice') }, broken));
  assert.equal(ports.cap.full(), false);
});

test('early: closed and sold out come before anything else, then whether there is room', () => {
  const say = (mode: 'queued' | 'direct', world: World, closed = false) =>
    refuseEarly(aSale(1, { mode, closed }), portsOf(world));
  assert.equal(say('queued', {}), undefined);
  assert.equal(say('queued', { soldOut: true, available: false }), 'sold-out');
  assert.equal(say('queued', { soldOut: true }, true), 'closed');
  assert.equal(say('queued', { available: false }), 'busy');
  assert.equal(say('direct', { available: false }), 'busy');
  assert.equal(say('direct', { most: 0 }), 'busy');
});
