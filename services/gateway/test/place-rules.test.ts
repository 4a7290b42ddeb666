// One click, rule by rule: `busy` is only said when it is sure that nothing happened.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import { refuseEarly } from '../src/domain/limits.ts';
import { placeOrder } from '../src/domain/place-order.ts';
import { aSale } from './gates.ts';
import { click, clicking, type Given, NOW, placing, portsOf } from './placed-click.ts';

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

test('direct: only a final order is a result', async () => {
  assert.deepEqual(await clicking('direct', { placed: 'confirmed' }), ['confirmed', 'admit', 'place']);
  assert.deepEqual(await clicking('direct', { placed: 'rejected' }), ['rejected', 'admit', 'place']);
  for (const placed of ['expired', 'cancelled'] as const)
    assert.deepEqual(await clicking('direct', { placed }), ['rejected', 'admit', 'place']);
  for (const placed of ['unknown', 'placed', 'reserved'] as const)
    assert.deepEqual(await clicking('direct', { placed }), ['unknown', 'admit', 'place']);
});

test('both: the gate’s refusal ends it, an unavailable gate is busy, and an admit without a reply is not sent again', async () => {
  for (const mode of ['queued', 'direct'] as const) {
    for (const admission of ['already-bought', 'sold-out', 'not-open', 'closed', 'unknown'] as const)
      assert.deepEqual(await clicking(mode, { admission }), [admission, 'admit']);
    assert.deepEqual(await clicking(mode, { admission: 'unavailable' }), ['busy', 'admit', 'refresh']);
  }
});

test('both: a sale that is long over is closed, for its gate may be gone for good', async () => {
  const over = (closesAtMs: number) =>
    placing('queued', { admission: 'unavailable' }, { closesAtMs, decideWithinSeconds: 10 });
  assert.equal((await over(NOW - 20_000)).outcome.kind, 'closed');
  assert.equal((await over(NOW - 19_000)).outcome.kind, 'busy');
});

test('direct: a hold has its result when it is reserved, an instant order does not', async () => {
  const { outcome } = await placing('direct', { placed: 'reserved' }, { checkout: 'hold', holdSeconds: 60 });
  assert.equal(outcome.kind, 'reserved');
});

test('direct: sold out is 410’s, a duplicate names the live order and not itself, other rejections say their reason', async () => {
  const rejected = async (reason: string, live: string | null = null) =>
    (await placing('direct', { placed: 'rejected', reason, live })).outcome;
  assert.deepEqual(await rejected('sold_out'), { kind: 'sold-out' });
  assert.deepEqual(await rejected('duplicate', 'the-live-one'), { kind: 'already-bought', orderId: 'the-live-one' });
  assert.deepEqual(await rejected('duplicate'), { kind: 'already-bought', orderId: undefined });
  assert.equal((await rejected('declined')).kind, 'declined');
  for (const reason of ['stale_epoch', 'timed_out']) assert.equal((await rejected(reason)).kind, 'rejected');
});

test('both: without room there is no admit', async () => {
  for (const mode of ['queued', 'direct'] as const) {
    assert.deepEqual(await clicking(mode, { available: false }), ['busy']);
    assert.deepEqual(await clicking(mode, { mostAdmitting: 0 }), ['busy']);
    assert.deepEqual(await clicking(mode, { now: undefined }), ['busy'], 'the time in Redis is not known');
  }
  assert.deepEqual(await clicking('direct', { most: 0 }), ['busy']);
});

test('queued: more waiting orders than can be decided in time refuse before admit, with the time they need', async () => {
  assert.deepEqual(await placing('queued', { tooLong: 90_000 }), {
    outcome: { kind: 'busy', waitMs: 90_000 },
    done: [],
  });
});

test('both: the id, the end of admission and the deadline are of one moment in the time of Redis', async () => {
  for (const [mode, withinMs] of [
    ['queued', 600_000],
    ['direct', 2_000],
  ] as const) {
    const ports = portsOf({});
    await placeOrder(aSale(1, { mode }), click(), ports);
    const [command] = ports.sent as [OrderCommand];
    assert.equal(Number.parseInt(command.orderId.replace('-', '').slice(0, 12), 16), NOW);
    assert.deepEqual([ports.untils[0], command.deadlineMs, command.mode], [NOW + 3_000, NOW + withinMs, mode]);
  }
});

test('both: a call that times out refuses the next ones before admit, on that path only; one that fails at once does not', async () => {
  for (const [mode, silent, atOnce] of [
    ['queued', { published: 'unknown' }, false],
    ['direct', { placed: 'unknown' }, false],
    ['queued', { published: 'unknown' }, true],
    ['direct', { placed: 'unknown' }, true],
    ['queued', { admission: 'unknown' }, true],
  ] as const) {
    const done: string[] = [];
    const respondsWithinMs = atOnce ? { queued: 5_000, direct: 5_000 } : { queued: 0, direct: 0 };
    const { breakers } = portsOf({});
    const kindOf = async (given: Given, on: 'queued' | 'direct') =>
      (
        await placeOrder(aSale(1, { mode: on }), click(), {
          ...portsOf({ ...given, respondsWithinMs }, done),
          breakers,
        })
      ).kind;
    const yes = { queued: 'queued', direct: 'confirmed' };
    const other = mode === 'queued' ? 'direct' : 'queued';
    const refuses = 'admission' in silent || !atOnce;
    assert.equal(await kindOf(silent, mode), 'unknown');
    done.length = 0;
    assert.equal(await kindOf({}, mode), refuses ? 'busy' : yes[mode]);
    assert.deepEqual(done.includes('admit'), !refuses);
    const early = refuseEarly(aSale(1, { mode }), { ...portsOf({ now: Date.now() }), breakers })?.kind;
    assert.equal(early, refuses ? 'busy' : undefined);
    assert.equal(await kindOf({}, other), 'admission' in silent ? 'busy' : yes[other]);
  }
});

test('a known key needs no room, and with room admit finds that it is known', async () => {
  const keyed = click({ idempotencyKey: 'k' });
  const place = async (given: Given, done: string[], quantity = 1) =>
    (await placeOrder(aSale(1, { perBuyerLimit: 2 }), { ...keyed, quantity }, portsOf(given, done))).kind;
  const calls: Record<string, string[]> = { room: [], full: [], unknown: [], many: [] };
  assert.equal(await place({ admission: 'repeated' }, calls.room as string[]), 'queued');
  assert.equal(await place({ available: false, known: 'first' }, calls.full as string[]), 'queued');
  assert.equal(await place({ available: false }, calls.unknown as string[]), 'busy');
  assert.equal(await place({ known: 'first' }, calls.many as string[], 3), 'queued');
  assert.deepEqual(calls, {
    room: ['admit', 'repeat'],
    full: ['recall', 'repeat'],
    unknown: ['recall'],
    many: ['recall', 'repeat'],
  });
});

test('an order makes room when its click has a response, however it ended', async () => {
  const sale = aSale(1, { mode: 'direct' });
  const ports = portsOf({});
  const isFull = () => ports.limits.direct.full() || ports.limits.admitting.full();
  for (const placed of ['confirmed', 'shed'] as const) {
    const { orders } = portsOf({ placed });
    await placeOrder(sale, click(), { ...ports, orders });
    assert.equal(isFull(), false);
  }
  const broken = { ...ports, orders: { ...ports.orders, place: () => Promise.reject(new Error('a bug')) } };
  await assert.rejects(placeOrder(sale, click(), broken));
  assert.equal(isFull(), false);
  const lost = { ...ports, gate: { ...ports.gate, admit: () => Promise.reject(new Error('a bug')) } };
  await assert.rejects(placeOrder(sale, click(), lost));
  assert.equal(isFull(), false);
});

test('early: closed and sold out come before anything else, then whether there is room', () => {
  const say = (mode: 'queued' | 'direct', given: Given, closed = false) =>
    refuseEarly(aSale(1, { mode, closed }), portsOf({ now: Date.now(), ...given }))?.kind;
  assert.equal(say('queued', {}), undefined);
  assert.equal(say('queued', { soldOut: true, available: false }), 'sold-out');
  assert.equal(say('queued', { soldOut: true }, true), 'closed');
  assert.equal(say('queued', { available: false }), 'busy');
  assert.equal(say('queued', { tooLong: 9 }), 'busy');
  assert.equal(say('direct', { tooLong: 9 }), undefined);
  assert.equal(say('direct', { available: false }), 'busy');
  assert.equal(say('direct', { most: 0 }), 'busy');
});

test('early: before and after its window a sale is refused from memory, but for the second that is the gate’s to judge', () => {
  const sale = aSale(1, { opensAtMs: 100_000, closesAtMs: 200_000 });
  const say = (now: number) => refuseEarly(sale, portsOf({ now }))?.kind;
  assert.deepEqual([98_999, 99_001, 150_000, 200_999, 201_001].map(say), [
    'not-open',
    undefined,
    undefined,
    undefined,
    'closed',
  ]);
});
