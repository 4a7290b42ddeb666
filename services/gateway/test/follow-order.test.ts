// Following an order, rule by rule: updates or polling, whichever comes first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOrderUpdates } from '../src/domain/apply-result.ts';
import { followOrder, untilOutcome } from '../src/domain/follow-order.ts';
import { UNDECIDED } from '../src/domain/order-view.ts';
import type { OrderView, OrderViews } from '../src/domain/ports.ts';

const ORDER = { orderId: 'x', saleId: 'sale', buyerId: 'alice', quantity: 1, epoch: 1 };
const QUEUED: OrderView = { ...UNDECIDED, ...ORDER, status: 'queued' };
const CONFIRMED: OrderView = { ...QUEUED, status: 'confirmed', version: 2, decidedAtMs: 1 };

function following(find: () => Promise<OrderView | undefined>, show: OrderViews['show'] = async () => undefined) {
  const updates = createOrderUpdates();
  const gone = new AbortController();
  const views = { show, find: async () => undefined };
  return { updates, gone, course: followOrder(ORDER, { updates, views, find, signal: gone.signal }) };
}

test('an update is shown before it is sent, and one that cannot be shown is sent all the same', async () => {
  const shown: OrderView[] = [];
  const { updates, course } = following(
    async () => QUEUED,
    async (view) => {
      shown.push(view);
      throw new Error('Redis is away');
    },
  );
  assert.deepEqual((await course.next()).value, QUEUED);
  updates.publish(CONFIRMED);
  assert.deepEqual((await course.next()).value, CONFIRMED);
  assert.deepEqual(shown, [CONFIRMED]);
  assert.equal((await course.next()).done, true);
});

test('an update that comes during a poll is not missed', async () => {
  const polled = Promise.withResolvers<OrderView>();
  const { updates, course } = following(() => polled.promise);
  const first = course.next();
  updates.publish(CONFIRMED);
  polled.resolve(QUEUED);
  assert.deepEqual((await first).value, QUEUED);
  assert.deepEqual((await course.next()).value, CONFIRMED);
});

test('of two updates the newer counts, and one of another order or another buyer does not', async () => {
  const { updates, course } = following(async () => QUEUED);
  await course.next();
  updates.publish({ ...CONFIRMED, orderId: 'y' });
  updates.publish({ ...CONFIRMED, buyerId: 'bob', version: 9 });
  updates.publish({ ...CONFIRMED, status: 'cancelled', version: 3 });
  updates.publish(CONFIRMED);
  assert.equal(
    await untilOutcome(course, async ({ status }) => (status === 'queued' ? undefined : status)),
    'cancelled',
  );
});

test('while the order cannot be known it goes on; an order that is not the buyer’s ends it, and so does leaving', async () => {
  let finds = 0;
  const { course } = following(async () => {
    finds += 1;
    if (finds === 1) throw new Error('orders is away');
    return undefined;
  });
  assert.equal((await course.next()).done, true);
  assert.equal(finds, 2);
  const { gone, course: left } = following(async () => QUEUED);
  await left.next();
  gone.abort();
  assert.equal((await left.next()).done, true);
});

const RESERVED: OrderView = { ...QUEUED, status: 'reserved', version: 2, deadlineMs: 9 };
const OWED: OrderView = { ...QUEUED, status: 'cancelled', version: 4, decidedAtMs: 1, refund: 'owed' };

test('a hold is sent when it is reserved and again when it is confirmed, each update once', async () => {
  const { updates, course } = following(async () => QUEUED);
  await course.next();
  updates.publish(RESERVED);
  assert.deepEqual((await course.next()).value, RESERVED);
  const next = course.next();
  updates.publish(RESERVED);
  updates.publish({ ...CONFIRMED, version: 3 });
  assert.equal((await next).value?.status, 'confirmed');
  assert.equal((await course.next()).done, true);
});

test('an older status that a poll still finds is not sent after a newer one', async () => {
  let polls = 0;
  const { updates, course } = following(async () => {
    polls += 1;
    if (polls > 1) updates.publish({ ...CONFIRMED, version: 3 });
    return QUEUED;
  });
  await course.next();
  updates.publish(RESERVED);
  assert.equal((await course.next()).value?.status, 'reserved');
  assert.equal((await course.next()).value?.status, 'confirmed');
  assert.equal(polls, 2);
});

test('an order that has ended goes on while money is owed, until it is given back', async () => {
  const { updates, course } = following(async () => OWED);
  assert.equal((await course.next()).value?.refund, 'owed');
  const next = course.next();
  updates.publish({ ...OWED, refund: 'done', version: 5 });
  assert.equal((await next).value?.refund, 'done');
  assert.equal((await course.next()).done, true);
});
