// Every line that holds besides at rest can fail: one store is spoilt at a time.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { audit } from './audit.ts';
import { openWorld, type Sale } from './world.ts';

const world = await openWorld();
after(() => world.close());
const { stores } = world;

async function fails(checks: string[], spoil: (sale: Sale) => Promise<unknown>) {
  await spoil(await world.sale());
  assert.deepEqual(await world.failing(true), checks);
}

test('where all is well every line holds, and the audit sees by itself that nothing moves', async () => {
  await world.sale();
  const { ok, atRest, checks } = await audit(stores);
  assert.deepEqual(
    checks.filter((check) => !check.ok),
    [],
  );
  assert.ok(ok && atRest);
  const { name, left, terms } = checks[0] ?? {};
  assert.deepEqual([name, left, terms], ['gate: supply = tickets + units of records', 10, [7, 3]]);
});

test('a record that was never settled', () =>
  fails(
    ['rest: no unsent or sent records', 'rest: sold records = confirmed orders'],
    async ({ key, one, addRecord }) => {
      await addRecord(one, 'one', 1, 'sent');
      await stores.redis.zadd(key('due'), Date.now(), one);
    },
  ));

test('an order that was never closed', () =>
  fails(['rest: no placed or open orders'], ({ one }) =>
    stores.orders.query('UPDATE orders SET open = true WHERE id = $1', [one]),
  ));

test('an event that was never told', () =>
  fails(['rest: no events in the outbox'], ({ one }) =>
    stores.orders.query(`INSERT INTO outbox (order_id, routing_key, payload) VALUES ($1, 'order.confirmed', '{}')`, [
      one,
    ]),
  ));

test('a unit that stays held', () =>
  fails(
    ['rest: no placed or open orders', 'rest: no held units', 'rest: confirmed orders = sold reservations'],
    async ({ one, move }) => {
      await stores.inventory.query(`UPDATE reservations SET state = 'held' WHERE order_id = $1`, [one]);
      await stores.orders.query('UPDATE orders SET open = true, version = 3 WHERE id = $1', [one]);
      await move({ held: 1, sold: -1 });
    },
  ));

test('a charge without an end', () =>
  fails(['rest: no requested or reversing charges'], ({ addCharge, lost }) => addCharge(lost, 'requested')));

test('a bank that is still busy', () =>
  fails([`rest: no charges in the bank's line`], async ({ statement }) => {
    statement.line.waiting = 1;
  }));

test('a ticket that leaked', () =>
  fails(['rest: tickets = available'], ({ setGate }) => setGate({ supply: 9, tickets: 6 })));

test('a gate of another epoch', () =>
  fails([`rest: the gate's epoch = the sale's`], ({ setGate }) => setGate({ epoch: 2 })));

test('a gate that missed a change of its sale', () =>
  fails([`rest: the gate's revision = the sale's`], ({ move }) => move({ revision: 1 })));

test('an order that was ended but is sold and paid', () =>
  fails(
    [
      'orders: ended and closed, so it has no unit',
      'orders: ended and closed, so no charge is captured',
      'rest: sold records = confirmed orders',
      'rest: confirmed orders = sold reservations',
      'rest: confirmed orders = captured charges',
      'rest: ended orders are not captured at the bank',
    ],
    ({ one }) => stores.orders.query(`UPDATE orders SET status = 'rejected' WHERE id = $1`, [one]),
  ));

test('a capture at the bank for an order that nobody knows', () =>
  fails([`rest: captured charges = the bank's captures`], async ({ addLine, saleId }) => addLine(saleId, 1)));

test('a buyer who paid for one of two units', () =>
  fails(['rest: captured minor units = price × quantity'], async ({ statement, two }) => {
    for (const line of statement.charges) if (line.key === two) line.amountMinor = 4_900;
  }));

test('two buyers who paid for each other, so that the sum is right', () =>
  fails(['rest: captured minor units = price × quantity'], async ({ statement, one }) => {
    for (const line of statement.charges) line.amountMinor = line.key === one ? 9_800 : 4_900;
  }));

test('a buyer who paid in another currency', () =>
  fails(['rest: captured minor units = price × quantity'], async ({ statement, one }) => {
    for (const line of statement.charges) if (line.key === one) line.currency = 'CNY';
  }));

test('what is settled a moment later is waited for', async () => {
  const { setGate } = await world.sale();
  await setGate({ supply: 9, tickets: 6 });
  setTimeout(() => void setGate({ supply: 10, tickets: 7 }), 300);
  assert.ok((await audit(stores, { atRest: true })).ok);
});

test('a store that cannot be read is named', async () => {
  await world.sale();
  await stores.payment.query('ALTER TABLE charges RENAME TO gone');
  await assert.rejects(audit(stores), /the payment database cannot be read: relation "charges" does not exist/);
});
