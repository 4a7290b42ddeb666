// Each decision is one conditional statement: what it leaves in the outbox, and who wins when several decide at once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mintId } from '@flashsale/contracts/ids';
import { choiceOf, OrderEvent, PaymentDue, Reason, Refusal } from '@flashsale/contracts/messages';
import { createPool, migrate } from '@flashsale/runtime/postgres';
import { openNamespace } from '../../../infra/native/namespace.ts';
import { isDue, type Order, type Placement } from '../src/domain/order.ts';
import type { Reservation } from '../src/domain/ports.ts';
import { createLedger } from '../src/outbound/ledger.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const namespace = await openNamespace();
const url = namespace.databases.orders;
await migrate(url, fileURLToPath(new URL('../migrations', import.meta.url)), log);
const pool = createPool(url, log);
const ledger = createLedger(pool, { onOutbox: () => undefined, onDecided: () => undefined });
after(async () => {
  await pool.end();
  await namespace.close();
});

const placement = (fields: Partial<Placement> = {}): Placement => ({
  orderId: mintId(),
  saleId: randomUUID(),
  buyerId: `buyer-${randomUUID()}`,
  ...choiceOf({ quantity: 1 }),
  epoch: 1,
  mode: 'queued',
  decideWithinMs: 600_000,
  ...fields,
});
const terms = (checkout: string): Reservation => ({
  state: 'held',
  reason: null,
  amount: { amountMinor: 1_000, currency: 'EUR' },
  checkout,
  holdSeconds: 120,
  decideWithinSeconds: 300,
});

const placed = async (fields: Partial<Placement> = {}) => (await ledger.place([placement(fields)]))[0] ?? assert.fail();

async function reserved(checkout: string, fields: Partial<Placement> = {}): Promise<Order> {
  const { orderId } = await placed(fields);
  return (await ledger.reserve([{ orderId, ...terms(checkout) }]))[0] ?? assert.fail();
}

async function reservedMany(howMany: number): Promise<Order[]> {
  const placed = await ledger.place(Array.from({ length: howMany }, () => placement()));
  return ledger.reserve(placed.map(({ orderId }) => ({ orderId, ...terms('hold') })));
}

const passDeadlines = (orders: Order[]) =>
  pool.query('UPDATE orders SET deadline = now() WHERE id = ANY($1)', [orders.map(({ orderId }) => orderId)]);

/** Stricter than its readers, which pass on a reason that they do not know. */
const KnownEvent = OrderEvent.extend({ reason: Reason.nullable() });
/** Statuses and reasons in events so far. */
const written = new Set<string | null>();

/**
 * What an order left in the outbox so far: payments as they are, events by their status. SQL has written exactly the
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
  for (let round = 0; round < 30; round += 1) {
    const buyers = Array.from({ length: 100 }, (_, index) => `buyer-${round}-${String(index).padStart(3, '0')}`);
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

test('a refund that is owed is asked about after 1 s, then after twice the time, at most after 5 min', async () => {
  const [order] = await reservedMany(1);
  const { orderId, buyerId } = order ?? assert.fail();
  await ledger.cancelReserved(orderId, buyerId);
  await ledger.compensated([{ orderId, refund: 'owed' }]);
  /** Decided and asked about so many seconds ago. */
  const dueAfter = async (decided: number, asked: number) => {
    const set = `UPDATE orders SET decided_at = now() - $2 * interval '1 s', touched_at = now() - $3 * interval '1 s' WHERE id = $1`;
    await pool.query(set, [orderId, decided, asked]);
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
