// Each decision is one conditional statement: which one is made when several are tried at once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { times } from '../../../infra/testbed/samples.ts';
import { isDue } from '../src/domain/fulfil-order.ts';
import type { Order } from '../src/domain/order.ts';
import { ledger, passDeadlines, placement, pool, reservedMany, terms } from './ledger.ts';

test('pay, cancel and expiry of a hold at the same moment, 1,000 times: exactly one wins', async () => {
  const orders = await reservedMany(1_000);
  const won = new Map<string, string[]>(orders.map(({ orderId }) => [orderId, []]));
  const note = (who: string, rows: (Order | undefined)[]) => {
    for (const row of rows) if (row) won.get(row.orderId)?.push(who);
  };
  for (let from = 0; from < orders.length; from += 20) {
    const some = orders.slice(from, from + 20);
    await passDeadlines(some);
    await Promise.all(
      some.flatMap(({ orderId, buyerId }, index) => {
        const deciders = [
          async () => note('paid', [await ledger.requestPayment(orderId, buyerId)]),
          async () => note('cancelled', [await ledger.cancelReserved(orderId, buyerId)]),
          async () => note('expired', await ledger.timeOut()),
        ];
        return [0, 1, 2].map((step) => deciders[(index + step) % 3]?.());
      }),
    );
  }
  const rows = new Map((await ledger.read([...won.keys()])).map((row) => [row.orderId, row]));
  for (const [orderId, winners] of won) {
    assert.equal(winners.length, 1, `${orderId}: ${winners}`);
    const row = rows.get(orderId) ?? assert.fail();
    assert.equal(isDue(row) ? 'paid' : row.status, winners[0]);
    assert.equal(row.version, 3);
  }
});

test('pay against expiry at the same millisecond, 1,000 times: one outcome each', async () => {
  const orders = await reservedMany(1_000);
  const [own, expired, paid] = [new Set(orders.map(({ orderId }) => orderId)), new Set<string>(), new Set<string>()];
  const pay = async ({ orderId, buyerId }: Order) => {
    if (await ledger.requestPayment(orderId, buyerId)) paid.add(orderId);
  };
  const expire = async () => {
    // Not those of an earlier test, whose deadlines pass on a slow machine.
    for (const { orderId } of await ledger.timeOut()) if (own.has(orderId)) expired.add(orderId);
  };
  for (let from = 0; from < orders.length; from += 50) {
    const some = orders.slice(from, from + 50);
    await passDeadlines(some);
    await Promise.all(some.flatMap((order, index) => (index % 2 ? [pay(order), expire()] : [expire(), pay(order)])));
  }
  const both = [...paid].filter((orderId) => expired.has(orderId));
  assert.deepEqual(both, []);
  assert.equal(paid.size + expired.size, 1_000);
});

test('confirming and timing out at once, 500 times: one outcome each', async () => {
  const orders = await reservedMany(500);
  await Promise.all(orders.map(({ orderId, buyerId }) => ledger.requestPayment(orderId, buyerId)));
  let decided = 0;
  for (let from = 0; from < orders.length; from += 50) {
    const some = orders.slice(from, from + 50);
    await passDeadlines(some);
    const confirm = some.map(async ({ orderId }) => (await ledger.confirm([orderId])).length);
    const end = [ledger.timeOut(), ledger.timeOut()].map(async (ended) => (await ended).length);
    for (const count of await Promise.all([...confirm, ...end])) decided += count;
  }
  assert.equal(decided, 500);
});

test('two batches with the same buyers in another order wait for each other, and none ends in a deadlock', async () => {
  const saleId = randomUUID();
  for (let n = 0; n < 30; n += 1) {
    const buyers = times(100, (index) => `buyer-${n}-${String(index).padStart(3, '0')}`);
    const batch = (order: string[]) => order.map((buyerId) => placement({ saleId, buyerId }));
    // Ids are minted in ascending order, so the ids of the two batches lead through the buyers in opposite directions.
    const [first, second] = [batch(buyers), batch(buyers.toReversed())];
    const placed = (await Promise.all([ledger.place(first), ledger.place(second)])).flat();
    assert.equal(placed.filter(({ status }) => status === 'placed').length, 100);
    assert.equal(placed.filter(({ reason }) => reason === 'duplicate').length, 100);

    const ids = placed.flatMap(({ orderId, status }) => (status === 'placed' ? [orderId] : []));
    const decided = await Promise.all([
      ledger.reserve(ids.map((orderId) => ({ orderId, ...terms('instant') }))),
      ledger.refuse(ids.toReversed().map((orderId) => ({ orderId, reason: 'sold_out' }))),
    ]);
    assert.equal(decided.flat().length, 100);
  }
});

test('each pending compensation goes to one taker, and to none again until it was left alone for a while', async () => {
  const orders = await reservedMany(300);
  await Promise.all(orders.map(({ orderId, buyerId }) => ledger.cancelReserved(orderId, buyerId)));
  const ids = orders.map(({ orderId }) => orderId);
  await pool.query(`UPDATE orders SET touched_at = now() - interval '1 hour' WHERE id = ANY($1)`, [ids]);
  const taken = (await Promise.all([1, 2, 3, 4].map(() => ledger.takeCompensationPending(1_800_000)))).flat();
  assert.deepEqual(taken.map(({ orderId }) => orderId).sort(), ids.sort());
  assert.deepEqual(await ledger.takeCompensationPending(1_800_000), []);
});
