// Every line that holds at any instant can fail: one store is spoilt at a time.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { audit } from './audit.ts';
import { ordersOf } from './orders.ts';
import { participantChecks } from './participants.ts';
import { openWorld, type Sale } from './world.ts';

const world = await openWorld();
after(() => world.close());
const { stores } = world;

async function fails(check: string, spoil: (sale: Sale) => Promise<unknown>) {
  await spoil(await world.sale());
  assert.deepEqual(await world.failing(false), [check]);
}

test('a ticket that appears', () =>
  fails('gate: supply = tickets + units of records', ({ setGate }) => setGate({ tickets: 8 })));

test('a record whose buyer is forgotten', () =>
  fails(`gate: each record has its buyer's entry`, ({ key }) => stores.redis.hdel(key('buyers'), 'one')));

test('a buyer who owns nothing', () =>
  fails(`gate: each buyer's entry has its record`, ({ key, lost }) => stores.redis.hset(key('buyers'), 'three', lost)));

test('a pending record that nobody will look at', () =>
  fails('gate: each pending record will be looked at', async ({ addRecord, addOrder, setGate }) => {
    await addRecord(await addOrder('three', 1, 'placed'), 'three', 1, 'sent');
    await setGate({ tickets: 6 });
  }));

test('a sold record that is due', () =>
  fails('gate: what will be looked at is pending', ({ key, one }) => stores.redis.zadd(key('due'), 1, one)));

test('one who is sold already, and still in line', () =>
  fails('gate: who is in line is pending', ({ key, one }) => stores.redis.zadd(key('line'), 1, one)));

test('stock that appears', () =>
  fails('inventory: initial = available + held + sold', async ({ move }) => {
    await stores.inventory.query('ALTER TABLE sales DROP CONSTRAINT conservation');
    await move({ initial: 1 });
  }));

test('a unit held for nobody', () =>
  fails('inventory: held = units of held reservations', ({ move }) => move({ available: -1, held: 1 })));

test('a unit sold to nobody', () =>
  fails('inventory: sold = units of sold reservations', ({ move }) => move({ available: -1, sold: 1 })));

test('a buyer with two live orders', () =>
  fails('orders: one live order a buyer', async ({ addOrder }) => {
    await stores.orders.query('DROP INDEX orders_one_live_per_buyer');
    await addOrder('one', 1, 'placed');
  }));

test('a confirmed order whose charge is undone', () =>
  fails('orders: confirmed, so its charge is captured', ({ one }) =>
    stores.payment.query(`UPDATE charges SET state = 'reversed' WHERE order_id = $1`, [one]),
  ));

test('a confirmed order whose unit is released', () =>
  fails('orders: confirmed and closed, so its unit is sold', async ({ one, move }) => {
    await stores.inventory.query(`UPDATE reservations SET state = 'released' WHERE order_id = $1`, [one]);
    await move({ available: 1, sold: -1 });
  }));

test('a declined order that holds a unit', () =>
  fails('orders: ended and closed, so it has no unit', async ({ declined, move }) => {
    await stores.inventory.query(`UPDATE reservations SET state = 'held' WHERE order_id = $1`, [declined]);
    await move({ available: -1, held: 1 });
  }));

test('a declined order that is charged', () =>
  fails('orders: ended and closed, so no charge is captured', async ({ declined, addLine }) => {
    await stores.payment.query(`UPDATE charges SET state = 'captured' WHERE order_id = $1`, [declined]);
    addLine(declined, 4_900);
  }));

test('a sold order that the gate forgot', () =>
  fails('across: each unit taken has its record in the gate', async ({ key, one, setGate }) => {
    await stores.redis.hdel(key('orders'), one);
    await stores.redis.hdel(key('buyers'), 'one');
    await setGate({ tickets: 8 });
  }));

test('a charge of which the bank knows nothing', () =>
  fails('payment: each captured charge is so at the bank', async ({ statement }) => statement.charges.shift()));

test('an order that is placed for ever', () =>
  fails('in flight: each order is within its bound', ({ addOrder }) => addOrder('three', 1, 'placed', '-1 hour')));

test('an order that moved while it was compared does not count', async () => {
  const { one } = await world.sale();
  const rows = [...(await ordersOf(stores.orders, [one])).values()];
  await stores.orders.query(`UPDATE orders SET status = 'cancelled', open = true, version = 3 WHERE id = $1`, [one]);
  const charges = new Map([[one, { orderId: one, state: 'reversing' as const }]]);
  const checks = await participantChecks(stores, rows, { reservations: new Map(), charges });
  assert.equal(checks[0]?.left, 1, 'it was confirmed when it was read');
  assert.ok(checks.every(({ ok }) => ok));
});

test('a sale whose gate is being rebuilt is not compared with inventory, and that is said', async () => {
  const { key, saleId } = await world.sale();
  await stores.redis.del(key('gate'), key('orders'), key('buyers'));
  const { ok, notes } = await audit(stores, { atRest: false });
  assert.ok(ok);
  assert.match(notes.join(), new RegExp(`${saleId}.*missing or being rebuilt`));
});

test('orders in flight are listed with their age and their bound', async () => {
  const orderId = await (await world.sale()).addOrder('three', 1, 'placed');
  const { atRest, inFlight } = await audit(stores);
  assert.equal(atRest, false);
  const [order] = inFlight;
  assert.equal(order?.orderId, orderId);
  assert.ok(order.ageMs >= 0 && order.ageMs < 60_000 && order.boundMs > 600_000);
});
