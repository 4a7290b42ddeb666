// Rebuilding a gate, rule by rule: the lease first, the epoch once, the gate replaced once, and nothing that is not needed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import type { GateState } from '../src/domain/ports.ts';
import { whyInvalid } from '../src/domain/rebuild-gate.ts';
import { aSale } from './gates.ts';
import { aStock, stateOf, watchedSales, withoutLease } from './watched-sales.ts';

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
  const shop = watchedSales({ sales: [sale] });
  await shop.refresh();
  assert.deepEqual(shop.calls, ['lease', 'room for 3', 'reopen 1', 'replace 2']);
  assert.equal((await shop.catalogue.find(sale.id))?.epoch, 2);
  assert.deepEqual([shop.rebuilt, shop.pagesEnded()], [['missing'], 1]);
  await shop.refresh();
  assert.equal(shop.calls.length, 4, 'a valid gate is left alone');
});

test('a gate whose lease another gateway holds is left to it', async () => {
  const shop = watchedSales({ sales: [aStock()], lease: async () => undefined });
  await shop.refresh();
  assert.deepEqual([shop.calls, shop.warned], [['lease'], []]);
});

test('a Redis that cannot be written costs no epoch', async () => {
  const lease = () => Promise.reject(new Error('READONLY'));
  const shop = watchedSales({ sales: [aStock()], lease });
  await shop.refresh();
  await shop.refresh();
  assert.deepEqual(shop.calls, ['lease', 'lease']);
  assert.equal(shop.warned.length, 2);
});

test('a Redis without room for the new gate costs no epoch, and its lease is given back', async () => {
  let released = 0;
  const release = async () => {
    released += 1;
  };
  const lease = async () => ({ lost: new AbortController().signal, release });
  const shop = watchedSales({ sales: [aStock({}, { sold: 5 })], lease, makeRoom: async () => false });
  await shop.refresh();
  assert.deepEqual([shop.calls, released], [['lease', 'room for 5'], 1]);
});

test('a gateway that has lost its lease stops before it spends an epoch', async () => {
  const losing = new AbortController();
  const lease = async () => ({ lost: losing.signal, release: async () => {} });
  const makeRoom = async () => {
    losing.abort();
    return true;
  };
  const shop = watchedSales({ sales: [aStock()], lease, makeRoom });
  await shop.refresh();
  assert.deepEqual(shop.calls, ['lease', 'room for 0']);
});

test('an epoch that inventory does not give replaces nothing', async () => {
  const shop = watchedSales({ sales: [aStock({ epoch: 3 })], reopen: async () => 'too-soon' });
  await shop.refresh();
  assert.deepEqual([withoutLease(shop.calls), shop.rebuilt, shop.warned], [['reopen 3'], [], []]);
});

test('a replacement with an unknown outcome is not sent again: the next refresh takes an epoch of its own', async () => {
  let lost = 1;
  const replace = async () => {
    if (lost-- > 0) throw new Error('the reply is lost');
    return true;
  };
  const shop = watchedSales({ sales: [aStock({ mode: 'direct' })], replace });
  await shop.refresh();
  await shop.refresh();
  assert.deepEqual(withoutLease(shop.calls), ['reopen 1', 'replace 2', 'reopen 2', 'replace 3']);
  assert.deepEqual([shop.warned.length, shop.rebuilt.length, shop.pagesEnded()], [1, 1, 2]);
});

test('a gate that a later one was put in place of is not counted as rebuilt', async () => {
  const shop = watchedSales({ sales: [aStock()], replace: async () => false });
  await shop.refresh();
  assert.deepEqual([withoutLease(shop.calls), shop.rebuilt], [['reopen 1', 'replace 2'], []]);
});

test('a gate that came to be before this gateway held the lease is left alone', async () => {
  const sale = aStock({ epoch: 2 });
  const gates = new Map<string, GateState>();
  const lease = async () => {
    gates.set(sale.id, stateOf(2));
    return { lost: new AbortController().signal, release: async () => {} };
  };
  const shop = watchedSales({ sales: [sale], gates, lease });
  await shop.refresh();
  assert.deepEqual(shop.calls, ['lease']);
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
  const shop = watchedSales({ sales: [sale], gates, makeRoom, reopen: async () => undefined, replace });
  await shop.refresh();
  shop.sales.set(sale.id, { ...sale, epoch: 3 });
  await shop.refresh();
  assert.deepEqual(withoutLease(shop.calls), ['reopen 3', 'replace 6', 'reopen 3', 'replace 6']);
});

test('an older epoch that inventory says is believed: orders of a later one would be refused', async () => {
  const sale = aStock({ epoch: 5 });
  const shop = watchedSales({ sales: [sale], gates: new Map([[sale.id, stateOf(5)]]) });
  await shop.refresh();
  shop.sales.set(sale.id, { ...sale, epoch: 3 });
  shop.gates.set(sale.id, stateOf(3));
  await shop.refresh();
  assert.equal((await shop.catalogue.find(sale.id))?.epoch, 3);
});

test('queued orders may arrive first: until the queue is empty twice in a row', async () => {
  const counts = [3, 0, 0];
  const shop = watchedSales({ sales: [aStock()], waiting: async () => counts.shift() ?? 0, courtesyMs: 60_000 });
  await shop.watch.refreshSales();
  await until('it is rebuilt', () => shop.rebuilt.length === 1);
  assert.deepEqual([counts, shop.calls], [[], ['lease', 'room for 0', 'reopen 1', 'replace 2']]);
});

test('a queue that never empties, or cannot be counted, delays the rebuild by the courtesy and no more', async () => {
  const counting = [async () => 7, () => Promise.reject(new Error('no broker'))];
  for (const waiting of counting) {
    const shop = watchedSales({ sales: [aStock()], waiting, courtesyMs: 300 });
    await shop.watch.refreshSales();
    await until('it is rebuilt', () => shop.rebuilt.length === 1);
  }
});

test('a gate that waits for its turn has had its courtesy meanwhile', async () => {
  const held: (() => void)[] = [];
  const replace = () => new Promise<boolean>((resolve) => held.push(() => resolve(true)));
  const waiting = async () => {
    shop.calls.push('waiting');
    return 7;
  };
  const shop = watchedSales({ sales: times(5, () => aStock()), replace, waiting, courtesyMs: 300 });
  await shop.watch.refreshSales();
  await until('four are under way', () => held.length === 4);
  await shop.watch.refreshSales();
  const before = shop.calls.length;
  for (const finish of held) finish();
  await until('the fifth is under way', () => held.length === 5);
  held[4]?.();
  assert.deepEqual(shop.calls.slice(before), ['lease', 'room for 0', 'reopen 1', 'replace 2']);
});

test('the first gate of a sale waits for no orders', async () => {
  const shop = watchedSales({ sales: [aStock({ epoch: 0 })], waiting: assert.fail, courtesyMs: 60_000 });
  await shop.refresh();
  assert.deepEqual([withoutLease(shop.calls), shop.rebuilt], [['reopen 0', 'replace 1'], ['first']]);
});
