// Following an order, rule by rule: news or looking, whichever comes first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followOrder, untilFinal } from '../src/domain/follow-order.ts';
import { createNews } from '../src/domain/news.ts';
import { type OrderView, UNDECIDED } from '../src/domain/order-view.ts';
import type { OrderViews } from '../src/domain/ports.ts';

const ORDER = { orderId: 'x', saleId: 'sale', buyerId: 'alice', quantity: 1 };
const QUEUED: OrderView = { ...UNDECIDED, ...ORDER, status: 'queued' };
const CONFIRMED: OrderView = { ...QUEUED, status: 'confirmed', version: 2, decidedAtMs: 1 };

function following(find: () => Promise<OrderView | undefined>, show: OrderViews['show'] = async () => undefined) {
  const news = createNews();
  const gone = new AbortController();
  const views = { show, find: async () => undefined };
  return { news, gone, course: followOrder(ORDER, { news, views, find, signal: gone.signal }) };
}

test('a result is shown before it is told, and one that cannot be shown is told all the same', async () => {
  const shown: OrderView[] = [];
  const { news, course } = following(
    async () => QUEUED,
    async (view) => {
      shown.push(view);
      throw new Error('Redis is away');
    },
  );
  assert.deepEqual((await course.next()).value, QUEUED);
  news.tell(CONFIRMED);
  assert.deepEqual((await course.next()).value, CONFIRMED);
  assert.deepEqual(shown, [CONFIRMED]);
  assert.equal((await course.next()).done, true);
});

test('a result that is told while somebody looks is not missed', async () => {
  const looked = Promise.withResolvers<OrderView>();
  const { news, course } = following(() => looked.promise);
  const first = course.next();
  news.tell(CONFIRMED);
  looked.resolve(QUEUED);
  assert.deepEqual((await first).value, QUEUED);
  assert.deepEqual((await course.next()).value, CONFIRMED);
});

test('of two results the newer counts, and another order’s or another buyer’s is none of ours', async () => {
  const { news, course } = following(async () => QUEUED);
  await course.next();
  news.tell({ ...CONFIRMED, orderId: 'y' });
  news.tell({ ...CONFIRMED, buyerId: 'bob', version: 9 });
  news.tell({ ...CONFIRMED, status: 'cancelled', version: 3 });
  news.tell(CONFIRMED);
  assert.equal((await untilFinal(course))?.status, 'cancelled');
});

test('while nobody can say, it goes on; an order that is not the buyer’s ends it, and so does leaving', async () => {
  let asked = 0;
  const { course } = following(async () => {
    asked += 1;
    if (asked === 1) throw new Error('orders is away');
    return undefined;
  });
  assert.equal((await course.next()).done, true);
  assert.equal(asked, 2);
  const { gone, course: left } = following(async () => QUEUED);
  await left.next();
  gone.abort();
  assert.equal((await left.next()).done, true);
});
