// Each check of the audit can fail: one store is spoilt at a time, in a sale where all is well. No service runs here.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { execa } from 'execa';
import type { Statement } from '../clients/bank.ts';
import { audit } from './audit.ts';
import { openFixture, PRICE, type TestSale } from './fixture.ts';
import { participantChecks } from './instant.ts';
import { readAgain } from './reading.ts';

const environment = new AsyncDisposableStack();
after(() => environment.disposeAsync());
const fixture = environment.adopt(await openFixture(), (it) => it.close());
const { stores, bank, queues, openSale } = fixture;

const failing = ({ checks }: Awaited<ReturnType<typeof audit>>) =>
  checks.filter(({ ok }) => !ok).map(({ name }) => name);

/** Exactly these checks fail once the sale is spoilt. */
function detects(spoilt: string, checks: string | string[], spoil: (sale: TestSale) => unknown) {
  test(spoilt, async () => {
    await spoil(await openSale());
    const expected = [checks].flat();
    const atRest = expected.some((name) => name.startsWith('rest: '));
    assert.deepEqual(failing(await audit(stores, { atRest, withinMs: 0 })), expected);
  });
}

const captured = (orderId: string) =>
  bank.statement.charges.find(({ key }) => key === orderId) as Statement['charges'][0];

test('every check holds in a sound sale, and the audit detects that nothing moves', async () => {
  await openSale();
  const result = await audit(stores);
  assert.deepEqual(failing(result), []);
  assert.ok(result.ok && result.atRest);
  const { name, left, terms } = result.checks[0] ?? {};
  assert.deepEqual([name, left, terms], ['gate: stock = tickets + units of records', 10, [7, 3]]);
});

// Check 1: the gate.

detects('a ticket that appears', 'gate: stock = tickets + units of records', ({ setGate }) => setGate({ tickets: 8 }));

detects('a record whose buyer is forgotten', `gate: each record has its buyer's entry`, ({ key }) =>
  stores.redis.hdel(key('buyers'), 'one'),
);

detects('a buyer who owns nothing', `gate: each buyer's entry has its record`, ({ key, lost }) =>
  stores.redis.hset(key('buyers'), 'three', lost),
);

detects('a pending record that is never due', 'gate: each pending record will be checked', async (sale) => {
  const orderId = await sale.hold('three');
  await stores.redis.zrem(sale.key('sent'), orderId);
});

detects(
  'a sent record among the unsent',
  ['gate: each pending record will be checked', 'gate: what will be checked is pending'],
  async (sale) => {
    const orderId = await sale.hold('three');
    await stores.redis.zrem(sale.key('sent'), orderId);
    await stores.redis.zadd(sale.key('unsent'), 1, orderId);
  },
);

detects('a sold record that is due', 'gate: what will be checked is pending', ({ key, one }) =>
  stores.redis.zadd(key('sent'), 1, one),
);

detects('an order that is sold already, and still waits', 'gate: each waiting order is pending', ({ key, one }) =>
  stores.redis.zadd(key('waiting'), 1, one),
);

for (const [damage, text] of [
  ['cut in the middle', '{"state":"sold","quantity":2,"buyer'],
  ['unreadable', 'not a record'],
  ['of no known state', '{"state":"lost","quantity":2,"buyerId":"two"}'],
])
  test(`a record that is ${damage} still counts with its units and its buyer, moved aside or not`, async () => {
    const { key, two } = await openSale();
    await stores.redis.hset(key('orders'), two, text as string);
    assert.deepEqual(failing(await audit(stores, { atRest: true })), []);
    await stores.redis.hset(key('damaged'), two, text as string);
    await stores.redis.hdel(key('orders'), two);
    assert.deepEqual(failing(await audit(stores, { atRest: true })), []);
    await stores.redis.hdel(key('damaged'), two);
    assert.deepEqual(failing(await audit(stores, { atRest: false })), [
      'gate: stock = tickets + units of records',
      `gate: each buyer's entry has its record`,
      'across: each unit taken has its record in the gate',
    ]);
  });

// Check 2: inventory.

detects('stock that appears', 'inventory: stock = available + held + sold', async ({ move }) => {
  await stores.inventory.query('ALTER TABLE sales DROP CONSTRAINT conservation');
  await move({ stock: 1 });
});

detects('a unit held without a reservation', 'inventory: held = units of held reservations', ({ move }) =>
  move({ available: -1, held: 1 }),
);

detects('a unit sold without a reservation', 'inventory: sold = units of sold reservations', ({ move }) =>
  move({ available: -1, sold: 1 }),
);

// Check 3: orders and their participants.

detects('a buyer with two live orders', 'orders: one live order a buyer', async ({ addOrder }) => {
  await stores.orders.query('DROP INDEX orders_one_live_per_buyer');
  await addOrder('one', 1, 'placed');
});

detects('a hold without a unit', 'orders: reserved, so its unit is held or sold', async (sale) => {
  const orderId = await sale.hold('three');
  await sale.setReservation(orderId, 'released');
  await sale.move({ available: 1, held: -1 });
});

detects('a hold that is charged before its buyer pays', 'orders: charged, so its payment was requested', async (sale) =>
  sale.addCharge(await sale.hold('three'), 'requested'),
);

detects('a confirmed order whose unit is only held', 'orders: confirmed, so its unit is sold', async (sale) => {
  await sale.setReservation(sale.one, 'held');
  await sale.move({ held: 1, sold: -1 });
});

detects('a confirmed order whose charge is undone', 'orders: confirmed, so its charge is captured', (sale) =>
  sale.setCharge(sale.one, 'reversed'),
);

detects('a declined order that holds a unit', 'orders: ended and compensated, so it has no unit', async (sale) => {
  await sale.setReservation(sale.declined, 'held');
  await sale.move({ available: -1, held: 1 });
});

for (const state of ['requested', 'captured'])
  detects(
    `a declined order whose charge is ${state}`,
    'orders: ended and compensated, so it keeps no money',
    async (sale) => {
      await sale.setCharge(sale.declined, state);
      if (state === 'captured') sale.atTheBank(sale.declined, 'captured');
    },
  );

test('an ended order may hold its unit and its money while its compensation is pending', async () => {
  const { one, setOrder } = await openSale();
  await setOrder(one, `status = 'cancelled', compensation_pending = true`);
  const result = await audit(stores);
  assert.deepEqual(failing(result), []);
  assert.equal(result.atRest, false);
});

test('an ended order may have a charge that is reversing', async () => {
  const sale = await openSale();
  await sale.setCharge(sale.declined, 'reversing');
  assert.deepEqual(failing(await audit(stores)), []);
});

test('an order that moved while it was compared does not count', async () => {
  const { one, setOrder } = await openSale();
  const { orders } = await readAgain(stores, [one]);
  await setOrder(one, `status = 'cancelled', compensation_pending = true, version = 3`);
  const charges = new Map([[one, { orderId: one, state: 'reversing' as const, ageMs: 0 }]]);
  const checks = await participantChecks(stores, { orders, reservations: new Map(), charges });
  assert.ok(
    checks.some(({ name, left }) => name === 'orders: confirmed, so its unit is sold' && left === 1),
    'it was confirmed when it was read',
  );
  assert.ok(checks.every(({ ok }) => ok));
});

// Check 4: bounds in time.

detects('an order that is placed for ever', 'bounds: each undecided order is within its deadline', ({ addOrder }) =>
  addOrder('three', 1, 'placed', { deadline: '-1 minute' }),
);

detects('a hold that never expires', 'bounds: each unpaid hold is within its deadline', ({ hold }) =>
  hold('three', { deadline: '-1 minute' }),
);

detects('a payment that is never decided', 'bounds: each undecided order is within its deadline', ({ hold }) =>
  hold('three', { deadline: '-1 minute', payRequested: true }),
);

detects('an order that is never compensated', 'bounds: each compensation is within its bound', ({ lost, setOrder }) =>
  setOrder(lost, `compensation_pending = true, decided_at = now() - interval '2 minutes'`),
);

detects('an event that is never sent', 'bounds: each outbox row is within its bound', ({ one, addOutboxRow }) =>
  addOutboxRow(one, '2 minutes'),
);

detects(
  'money that is never given back',
  'bounds: each reversing charge is within its bound',
  ({ lost, addCharge, setOrder }) =>
    Promise.all([addCharge(lost, 'reversing', '20 minutes'), setOrder(lost, 'pay_requested = true')]),
);

detects('a result that the gate never applies', 'bounds: each pending record is within its bound', async (sale) => {
  await sale.addRecord(sale.one, 'one', 1, 'sent', { deadlineMs: Date.now() });
  await sale.setOrder(sale.one, `decided_at = now() - interval '6 minutes'`);
});

detects('an admitted order that never arrives', 'bounds: each pending record is within its bound', async (sale) => {
  const orderId = '01890a5d-ac96-774b-bcce-b302099a8057';
  await sale.addRecord(orderId, 'three', 1, 'sent', { deadlineMs: Date.now() - 360_000 });
  await sale.setGate({ tickets: 6 });
});

test('orders in flight are listed with their age and their bound', async () => {
  const orderId = await (await openSale()).addOrder('three', 1, 'placed');
  const { atRest, inFlight } = await audit(stores);
  assert.equal(atRest, false);
  const [order] = inFlight;
  assert.equal(order?.orderId, orderId);
  assert.ok(order.ageMs >= 0 && order.ageMs < 60_000 && order.boundMs > 600_000);
});

// Check 5: across the stores.

detects('a sold order that the gate forgot', 'across: each unit taken has its record in the gate', async (sale) => {
  await stores.redis.hdel(sale.key('orders'), sale.one);
  await stores.redis.hdel(sale.key('buyers'), 'one');
  await sale.setGate({ tickets: 8 });
});

for (const [what, spoil] of [
  ['missing', ({ key }: TestSale) => stores.redis.del(key('gate'), key('orders'), key('buyers'))],
  [
    'of another epoch',
    ({ key, setGate }: TestSale) => [setGate({ epoch: 2 }), stores.redis.del(key('orders'), key('buyers'))],
  ],
  [
    'of another Redis',
    ({ key, setGate }: TestSale) => [setGate({ history: 'another' }), stores.redis.del(key('orders'), key('buyers'))],
  ],
] as const)
  test(`a sale whose gate is ${what} is not compared with inventory, and a note reports it`, async () => {
    const sale = await openSale();
    await Promise.all([spoil(sale)].flat());
    if (what !== 'missing') await sale.setGate({ tickets: 10 });
    const { checks, notes } = await audit(stores, { atRest: false });
    assert.deepEqual(failing({ checks } as never), []);
    assert.match(notes.join(), new RegExp(`${sale.saleId}.*missing or being rebuilt`));
  });

// Check 6: at rest, and the money.

detects(
  'a record whose result was never applied',
  ['rest: no unsent or sent records', 'rest: sold records = confirmed orders'],
  ({ one, addRecord }) => addRecord(one, 'one', 1, 'sent'),
);

detects('an order that was never compensated', 'rest: no pending compensations', ({ lost, setOrder }) =>
  setOrder(lost, 'compensation_pending = true'),
);

detects('an event that was never sent', 'rest: no rows in the outbox', ({ one, addOutboxRow }) => addOutboxRow(one));

detects('a message that was never consumed', 'rest: no messages in the queues', () => {
  queues.push({ queue: 'orders.placed', messages: 0 }, { queue: 'payments.due.retry.30000', messages: 1 });
});

detects(
  'a payment that was never decided',
  [
    'rest: no unsent or sent records',
    'rest: no undecided orders, unpaid holds aside',
    'rest: no held units, unpaid holds aside',
  ],
  ({ hold }) => hold('three', { payRequested: true }),
);

detects('a charge without an end', 'rest: no requested or reversing charges', ({ addCharge, lost, setOrder }) =>
  Promise.all([addCharge(lost, 'reversing'), setOrder(lost, 'pay_requested = true')]),
);

detects('a bank that is still busy', `rest: no charges in the bank's queue`, () => {
  bank.statement.queue.waiting = 1;
});

detects('a ticket that leaked', 'rest: tickets = available', ({ setGate }) => setGate({ stock: 9, tickets: 6 }));

detects('a gate of another epoch', `rest: the gate's epoch = the sale's`, ({ setGate }) => setGate({ epoch: 2 }));

detects('a gate that missed a change of its sale', `rest: the gate's revision = the sale's`, ({ move }) =>
  move({ revision: 1 }),
);

detects(
  'an order that was ended but is sold and paid',
  [
    'orders: ended and compensated, so it has no unit',
    'orders: ended and compensated, so it keeps no money',
    'rest: sold records = confirmed orders',
    'rest: confirmed orders = sold reservations',
    'rest: confirmed orders = captured charges',
    'rest: ended orders are not captured at the bank',
  ],
  ({ one, setOrder }) => setOrder(one, `status = 'rejected'`),
);

test('holds that wait for their buyers are no work: with them the shop is at rest', async () => {
  const { hold } = await openSale();
  await hold('three');
  const result = await audit(stores);
  assert.deepEqual(failing(result), []);
  assert.ok(result.atRest && result.inFlight.length === 0);
});

for (const over of [`closes_at = now() - interval '1 minute'`, 'closed = true'])
  test(`a sale that is over (${over}) needs no gate, and a note reports it`, async () => {
    const { key, saleId } = await openSale();
    await stores.redis.del(key('gate'), key('orders'), key('buyers'));
    await stores.inventory.query(`UPDATE sales SET ${over}`);
    const result = await audit(stores, { atRest: true });
    assert.deepEqual(failing(result), []);
    assert.match(result.notes.join(), new RegExp(`${saleId}: it is over and has no gate`));
  });

test('the remains of the gate of a sale that is over are not counted', async () => {
  const { addRecord, one, saleId, setGate } = await openSale();
  await addRecord(one, 'one', 1, 'sent', { deadlineMs: Date.now() - 3_600_000 });
  await setGate({ history: 'an older copy' });
  await stores.inventory.query('UPDATE sales SET closed = true');
  const result = await audit(stores);
  assert.deepEqual(failing(result), []);
  assert.ok(result.atRest);
  assert.match(result.notes.join(), new RegExp(`${saleId}: it is over`));
});

test('the checks of rest are waited for', async () => {
  const { setGate } = await openSale();
  await setGate({ stock: 9, tickets: 6 });
  setTimeout(() => void setGate({ stock: 10, tickets: 7 }), 300);
  assert.ok((await audit(stores, { atRest: true })).ok);
});

detects('a charge that the bank does not know', 'payment: each captured charge is so at the bank', () =>
  bank.statement.charges.shift(),
);

detects('a buyer who was charged twice', 'bank: at most one charge an order', ({ one, atTheBank }) =>
  atTheBank(one, 'captured'),
);

detects('a capture at the bank without an order', `rest: captured charges = the bank's captures`, (sale) =>
  sale.atTheBank(sale.saleId, 'captured'),
);

detects('a buyer who paid for one of two units', 'rest: captured minor units = price × quantity', ({ two }) => {
  captured(two).amountMinor = PRICE;
});

detects(
  'two buyers who paid for each other, the sum being right',
  'rest: captured minor units = price × quantity',
  (sale) => {
    captured(sale.one).amountMinor = 2 * PRICE;
    captured(sale.two).amountMinor = PRICE;
  },
);

detects('a buyer who paid in another currency', 'rest: captured minor units = price × quantity', ({ one }) => {
  captured(one).currency = 'CNY';
});

test('an order that was cancelled and refunded agrees everywhere', async () => {
  const { one, refund } = await openSale();
  await refund(one, 'one');
  assert.deepEqual(failing(await audit(stores)), []);
});

detects(
  'a refund that is owed and never done',
  [
    'rest: no refunds owed',
    'rest: refunded orders = reversed charges',
    `rest: the bank's reversals are refunded orders`,
  ],
  async (sale) => {
    await sale.refund(sale.one, 'one');
    await sale.setOrder(sale.one, `refund = 'owed'`);
  },
);

detects('a refund that the order claims and payment never made', 'rest: refunded orders = reversed charges', (sale) =>
  sale.setOrder(sale.declined, `refund = 'done'`),
);

detects('money that the bank gave back without an order', `rest: the bank's reversals are refunded orders`, (sale) =>
  sale.atTheBank(sale.saleId, 'reversed'),
);

const npmRunAudit = (args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
  execa(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: {
      REDIS_URL: fixture.addresses.redisUrl,
      ORDERS_DATABASE_URL: fixture.addresses.databases.orders,
      INVENTORY_DATABASE_URL: fixture.addresses.databases.inventory,
      PAYMENT_DATABASE_URL: fixture.addresses.databases.payment,
      BANK_URL: fixture.addresses.bankUrl,
      BANK_API_KEY: 'none',
      ...env,
    },
    reject: false,
  });

test('npm run audit prints both sides of each check and whether anything moves, and ends with 0', async () => {
  await openSale();
  const folder = environment.adopt(mkdtempSync(join(tmpdir(), 'audit-')), (it) => rm(it, { recursive: true }));
  const { exitCode, stdout } = await npmRunAudit(['--json', join(folder, 'audit.json')]);
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^✓ gate: stock = tickets \+ units of records +10 = 7 \+ 3$/m);
  assert.match(stdout, /^At rest \(nothing pending anywhere\): (\d+) of \1 checks hold\.$/m);
  const json = JSON.parse(readFileSync(join(folder, 'audit.json'), 'utf8'));
  assert.equal(json.ok, true);
  const first = { name: 'gate: stock = tickets + units of records', left: 10, right: 10, ok: true };
  assert.deepEqual(json.checks[0], first);
});

test('npm run audit lists orders in flight, and then checks what is true at any instant', async () => {
  const { addOrder, setGate } = await openSale();
  const orderId = await addOrder('three', 1, 'placed');
  const { exitCode, stdout } = await npmRunAudit();
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, new RegExp(`^  ${orderId}  placed, \\d+\\.\\d s old, at most \\d+\\.\\d s$`, 'm'));
  assert.match(stdout, /^In flight: /m);
  await setGate({ tickets: 8 });
  assert.match((await npmRunAudit(['--at-rest'])).stdout, /^At rest .*\.$/m);
});

test('npm run audit marks a difference, names its orders, and ends with 1', async () => {
  const { one, setCharge } = await openSale();
  await setCharge(one, 'reversed');
  const { exitCode, stdout } = await npmRunAudit();
  assert.equal(exitCode, 1);
  assert.match(stdout, new RegExp(`^✗ orders: confirmed, so its charge is captured +2 = 1\n +differs: ${one}$`, 'm'));
});

test('npm run audit names a store that cannot be read, and ends with 2', async () => {
  await openSale();
  const { exitCode, stderr } = await npmRunAudit([], { REDIS_URL: 'redis://127.0.0.1:1' });
  assert.equal(exitCode, 2);
  assert.match(stderr, /^Redis cannot be read: connect ECONNREFUSED 127\.0\.0\.1:1$/m);
});

test('npm run audit ends with 2 and its usage at an option that it does not know', async () => {
  const { exitCode, stderr } = await npmRunAudit(['--at-least']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /usage: npm run audit/);
});

// The last test: it leaves the schema broken.
test('a store that cannot be read is named', async () => {
  await openSale();
  await stores.payment.query('ALTER TABLE charges RENAME TO gone');
  await assert.rejects(audit(stores), /the payment database cannot be read: relation "charges" does not exist/);
});
