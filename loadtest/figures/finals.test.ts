import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order, Shop } from '../../infra/clients/shop.ts';
import { untilFinal } from './finals.ts';

/** A shop that decides some orders at each round of questions, the oldest first. */
function shopThatDecides(aRound: number) {
  const questions: string[] = [];
  let decided = 0;
  const order = async (orderId: string): Promise<Order> => {
    questions.push(orderId);
    if (orderId === 'order-000') decided += aRound;
    const number = Number(orderId.slice(6));
    const final = number < decided;
    return { orderId, status: final ? 'confirmed' : 'queued', createdAt: 0, decidedAt: final ? 1 : null };
  };
  return { shop: { order } as unknown as Shop, questions, decideAll: () => (decided = Infinity) };
}

const asked = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ orderId: `order-${String(i).padStart(3, '0')}`, token: 'a' }));

test('orders are asked about until each is final, and nobody far from the end of the line is bothered', async () => {
  const { shop, questions, decideAll } = shopThatDecides(0);
  setTimeout(decideAll, 600);
  const orders = await untilFinal(shop, asked(200).toReversed(), 5_000);
  assert.equal(orders.size, 200);
  assert.ok([...orders.values()].every(({ status }) => status === 'confirmed'));
  assert.ok(questions.length < 200 + 16 * 5, `${questions.length} questions`);
});

test('what is not final in time is told as it is', async () => {
  const { shop } = shopThatDecides(0);
  const orders = await untilFinal(shop, asked(3), 300);
  assert.deepEqual(
    [...orders.values()].map(({ status }) => status),
    ['queued', 'queued', 'queued'],
  );
});

test('a shop that cannot say is asked again', async () => {
  let answers = 0;
  const order = async (orderId: string) =>
    ++answers < 3 ? null : { orderId, status: 'rejected', createdAt: 0, decidedAt: 1 };
  const orders = await untilFinal({ order } as unknown as Shop, asked(1), 5_000);
  assert.equal(orders.get('order-000')?.status, 'rejected');
});
