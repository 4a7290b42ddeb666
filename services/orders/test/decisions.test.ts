// Each decision is one conditional statement: what it leaves in the outbox, and when it may be made.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderEvent, PaymentDue, Reason, Refusal } from '@flashsale/contracts/messages';
import type { Order } from '../src/domain/order.ts';
import { ledger, passDeadlines, placed, placement, pool, reserved, reservedMany } from './ledger.ts';

/** Stricter than its readers, which pass on a reason that they do not know. */
const KnownEvent = OrderEvent.extend({ reason: Reason.nullable() });
/** Statuses and reasons in events so far. */
const written = new Set<string | null>();

/**
 * The rows of an order in the outbox so far: payments as they are, events by their status. SQL has written exactly the
 * fields that the contracts read.
 */
async function leftBy(orderId: string): Promise<string[]> {
  const { rows } = await pool.query('SELECT * FROM outbox WHERE order_id = $1 ORDER BY id', [orderId]);
  return rows.map(({ exchange, routing_key: key, payload }) => {
    const schema = exchange === 'orders' ? PaymentDue : KnownEvent;
    assert.deepEqual(Object.keys(payload).sort(), Object.keys(schema.shape).sort());
    const body = schema.parse(payload);
    assert.equal(body.orderId, orderId);
    assert.equal(key, 'status' in body ? `order.${body.status}` : 'payments.due');
    if ('status' in body) for (const word of [body.status, body.reason]) written.add(word);
    return key;
  });
}

const secondsLeft = (order: Order | undefined) => Math.round((Number(order?.deadlineMs) - Date.now()) / 10_000) * 10;

type Case = [what: string, of: () => Promise<Order | undefined>, left: string[], afterwards: string[]];

test('a decision leaves what must follow it, in the same statement, and nothing before its compensation', async () => {
  const paying = async () => {
    const order = await reserved('hold');
    await ledger.requestPayment(order.orderId, order.buyerId);
    return order;
  };
  const confirmed = async () => {
    const order = await reserved('instant', { mode: 'direct' });
    await ledger.confirm([order.orderId]);
    return order;
  };
  const duplicate = async () => {
    const { saleId, buyerId } = await placed();
    return placed({ saleId, buyerId });
  };
  const refused = async (reason: Reason) => (await ledger.refuse([{ orderId: (await placed()).orderId, reason }]))[0];
  const timedOut = async (order: Order) => {
    await passDeadlines([order]);
    return (await ledger.timeOut()).find(({ orderId }) => orderId === order.orderId);
  };
  const cases: Case[] = [
    ['placed', placed, [], []],
    ['too late', () => placed({ decideWithinMs: 0 }), ['order.rejected'], []],
    ['duplicate', duplicate, ['order.rejected'], []],
    ...Refusal.options.map((reason): Case => [reason, () => refused(reason), ['order.rejected'], []]),
    ['instant', () => reserved('instant'), ['payments.due'], []],
    ['instant, direct', () => reserved('instant', { mode: 'direct' }), [], []],
    ['hold', () => reserved('hold'), ['order.reserved'], []],
    ['hold, direct', () => reserved('hold', { mode: 'direct' }), ['order.reserved'], []],
    ['paying', paying, ['order.reserved', 'payments.due'], []],
    ['confirmed', confirmed, ['order.confirmed'], []],
    [
      'declined',
      async () => (await ledger.decline([(await reserved('instant')).orderId]))[0],
      ['payments.due'],
      ['order.rejected'],
    ],
    [
      'cancelled',
      async () => {
        const { orderId, buyerId } = await reserved('hold');
        return ledger.cancelReserved(orderId, buyerId);
      },
      ['order.reserved'],
      ['order.cancelled'],
    ],
    [
      'cancelled by the admin',
      async () => ledger.cancelConfirmed((await confirmed()).orderId),
      ['order.confirmed'],
      ['order.cancelled'],
    ],
    ['given up', () => ledger.giveUp(placement()), [], ['order.cancelled']],
    ['timed out', async () => timedOut(await placed()), [], ['order.rejected']],
    ['expired', async () => timedOut(await reserved('hold')), ['order.reserved'], ['order.expired']],
  ];
  for (const [what, of, left, afterwards] of cases) {
    const order = (await of()) ?? assert.fail(what);
    assert.deepEqual(await leftBy(order.orderId), left, what);
    await ledger.compensated([{ orderId: order.orderId, refund: 'owed' }]);
    await ledger.refunded([{ orderId: order.orderId, refund: 'done' }]);
    const events = afterwards.length > 0 ? [...afterwards, ...afterwards] : [];
    assert.deepEqual(await leftBy(order.orderId), [...left, ...events], `${what}, compensated and refunded`);
  }
  const words = [null, ...OrderEvent.shape.status.options, ...Reason.options];
  assert.deepEqual([...written].sort(), words.sort(), 'every status and reason');
});

test('a deadline is the order’s own until it is reserved, then that of its hold, then that of its payment', async () => {
  const [placed] = await ledger.place([placement()]);
  assert.equal(secondsLeft(placed), 600);
  assert.equal(secondsLeft(await reserved('instant')), 600);
  const queued = await reserved('hold');
  const direct = await reserved('hold', { mode: 'direct' });
  assert.deepEqual([secondsLeft(queued), secondsLeft(direct)], [120, 120]);
  assert.equal(secondsLeft(await ledger.requestPayment(queued.orderId, queued.buyerId)), 300);
  assert.equal(secondsLeft(await ledger.requestPayment(direct.orderId, direct.buyerId)), 30);
});

test('a row past its deadline is expired if it was reserved and not paid, else rejected, and pends its compensation', async () => {
  const [placed] = await ledger.place([placement()]);
  const [unpaid, instant] = [await reserved('hold'), await reserved('instant')];
  const orders = [placed ?? assert.fail(), unpaid, instant];
  await passDeadlines(orders);
  const ended = new Map((await ledger.timeOut()).map((order) => [order.orderId, order]));
  assert.deepEqual(
    orders.map(({ orderId }) => {
      const { status, reason, compensationPending } = ended.get(orderId) ?? assert.fail();
      return [status, reason, compensationPending];
    }),
    [
      ['rejected', 'timed_out', true],
      ['expired', null, true],
      ['rejected', 'timed_out', true],
    ],
  );
  assert.deepEqual(await ledger.timeOut(), []);
});

test('a refund that is owed is checked after 1 s, then after twice the time, at most after 5 min', async () => {
  const [order] = await reservedMany(1);
  const { orderId, buyerId } = order ?? assert.fail();
  await ledger.cancelReserved(orderId, buyerId);
  await ledger.compensated([{ orderId, refund: 'owed' }]);
  /** Decided and checked so many seconds ago. */
  const dueAfter = async (decided: number, checked: number) => {
    const set = `UPDATE orders SET decided_at = now() - $2 * interval '1 s', touched_at = now() - $3 * interval '1 s' WHERE id = $1`;
    await pool.query(set, [orderId, decided, checked]);
    return (await ledger.takeRefundsOwed()).length === 1;
  };
  assert.equal(await dueAfter(0, 0), false);
  assert.equal(await dueAfter(2, 2), true);
  assert.equal(await dueAfter(100, 40), false);
  assert.equal(await dueAfter(100, 50), true);
  assert.equal(await dueAfter(100_000, 290), false);
  assert.equal(await dueAfter(100_000, 300), true);
  await ledger.refunded([{ orderId, refund: 'done' }]);
  assert.equal(await dueAfter(100_000, 300), false);
});
