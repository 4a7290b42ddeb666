// Each check of the audit can fail: one store is spoilt at a time, in a sale where all is well. No service runs here.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keyOf, mintId } from '@flashsale/contracts/ids';
import { createLog } from '@flashsale/runtime/log';
import { migrate } from '@flashsale/runtime/postgres';
import { execa } from 'execa';
import type { Statement } from '../clients/bank.ts';
import { ROOT } from '../native/leftovers.ts';
import { openNamespace } from '../native/namespace.ts';
import { audit } from './audit.ts';
import { participantChecks } from './instant.ts';
import { readAgain } from './reading.ts';
import { openStores } from './stores.ts';

const PRICE = 4_900;
const idle = (): Statement => ({ charges: [], line: { waiting: 0, inProgress: 0 } });

const world = new AsyncDisposableStack();
after(() => world.disposeAsync());
const namespace = world.adopt(await openNamespace(), (it) => it.close());
for (const service of ['orders', 'inventory', 'payment'] as const) {
  const folder = join(ROOT, 'services', service, 'migrations');
  await migrate(namespace.databases[service], folder, createLog('audit', 'silent'));
}
let statement = idle();
const bank = createServer((_request, response) => response.end(JSON.stringify(statement))).listen(0, '127.0.0.1');
world.defer(() => void bank.close());
await once(bank, 'listening');
const bankUrl = `http://127.0.0.1:${(bank.address() as AddressInfo).port}`;
const stores = world.adopt(openStores({ ...namespace, bankUrl, bankApiKey: 'none' }), (it) => it.close());
await stores.redis.connect();

/** Ten units at PRICE: `one` bought one, `two` bought two, `declined` was declined, `lost` was given up early. */
async function openSale() {
  await stores.orders.query('TRUNCATE orders, outbox');
  await stores.inventory.query('TRUNCATE sales, reservations');
  await stores.payment.query('TRUNCATE charges');
  const old = await stores.redis.keys('sale:*');
  if (old.length) await stores.redis.del(old);
  statement = idle();

  const saleId = randomUUID();
  const tools = toolsFor(saleId);
  await stores.inventory.query(
    `INSERT INTO sales (id, sku, title, amount_minor, currency, initial, available, sold, opens_at, closes_at,
       per_buyer_limit, mode, checkout, decide_within_seconds, epoch)
     VALUES ($1, 'sku', 'a sale', $2, 'EUR', 10, 7, 3, now(), now() + interval '1 day', 2, 'queued', 'instant', 600, 1)`,
    [saleId, PRICE],
  );
  await tools.setGate({ epoch: 1, supply: 10, rev: 1, tickets: 7 });
  const one = await tools.sell('one', 1);
  const two = await tools.sell('two', 2);
  const declined = await tools.addOrder('declined', 1, 'rejected');
  await tools.addReservation(declined, 'declined', 1, 'released');
  await tools.addCharge(declined, 'declined');
  const lost = await tools.addOrder('lost', 1, 'cancelled');
  return { saleId, one, two, declined, lost, ...tools };
}

function toolsFor(saleId: string) {
  const key = (part: string) => keyOf(saleId, part);
  const tools = {
    key,
    setGate: (fields: object) => stores.redis.hset(key('gate'), fields),
    async addRecord(orderId: string, buyerId: string, quantity: number, state: string) {
      await stores.redis.hset(key('orders'), orderId, JSON.stringify({ state, claimed: false, quantity, buyerId }));
      await stores.redis.hset(key('buyers'), buyerId, orderId);
    },
    async addOrder(buyerId: string, quantity: number, status: string, decideWithin = '10 minutes') {
      const orderId = mintId();
      await stores.orders.query(
        `INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, status, decide_by, version)
         VALUES ($1, $2, $3, $4, 1, $5, now() + $6::interval, 2)`,
        [orderId, saleId, buyerId, quantity, status, decideWithin],
      );
      return orderId;
    },
    addReservation: (orderId: string, buyerId: string, quantity: number, state: string) =>
      stores.inventory.query(
        'INSERT INTO reservations (order_id, sale_id, buyer_id, quantity, state) VALUES ($1, $2, $3, $4, $5)',
        [orderId, saleId, buyerId, quantity, state],
      ),
    addCharge: (orderId: string, state: string) =>
      stores.payment.query(`INSERT INTO charges (order_id, amount_minor, currency, state) VALUES ($1, $2, 'EUR', $3)`, [
        orderId,
        PRICE,
        state,
      ]),
    async capture(key: string, amountMinor: number) {
      const times = { startedAtMs: 0, finishedAtMs: 0 };
      statement.charges.push({ key, status: 'captured', amountMinor, currency: 'EUR', ...times });
    },
    async sell(buyerId: string, quantity: number) {
      const orderId = await tools.addOrder(buyerId, quantity, 'confirmed');
      await tools.addRecord(orderId, buyerId, quantity, 'sold');
      await tools.addReservation(orderId, buyerId, quantity, 'sold');
      await tools.addCharge(orderId, 'captured');
      await tools.capture(orderId, quantity * PRICE);
      return orderId;
    },
    /** Adds to columns of the sale: `{ available: -1, held: 1 }`. */
    move(counts: Record<string, number>) {
      const changes = Object.entries(counts).map(([column, by]) => `${column} = ${column} + ${by}`);
      return stores.inventory.query(`UPDATE sales SET ${changes}`);
    },
  };
  return tools;
}

type Spoil = (sale: Awaited<ReturnType<typeof openSale>>) => unknown;

/** Exactly these checks fail once the sale is spoilt. */
function notices(spoilt: string, checks: string | string[], spoil: Spoil) {
  test(spoilt, async () => {
    await spoil(await openSale());
    const expected = [checks].flat();
    const atRest = expected.some((name) => name.startsWith('rest: '));
    const result = await audit(stores, { atRest, patienceMs: 0 });
    assert.deepEqual(
      result.checks.filter(({ ok }) => !ok).map(({ name }) => name),
      expected,
    );
  });
}

const setReservation = (orderId: string, state: string) =>
  stores.inventory.query('UPDATE reservations SET state = $2 WHERE order_id = $1', [orderId, state]);
const setCharge = (orderId: string, state: string) =>
  stores.payment.query('UPDATE charges SET state = $2 WHERE order_id = $1', [orderId, state]);
const captured = (orderId: string) => statement.charges.find(({ key }) => key === orderId) as Statement['charges'][0];

test('where all is well every check holds, and the audit finds out that nothing moves', async () => {
  await openSale();
  const { ok, atRest, checks } = await audit(stores);
  assert.deepEqual(
    checks.filter((check) => !check.ok),
    [],
  );
  assert.ok(ok && atRest);
  const { name, left, terms } = checks[0] ?? {};
  assert.deepEqual([name, left, terms], ['gate: supply = tickets + units of records', 10, [7, 3]]);
});

notices('a ticket that appears', 'gate: supply = tickets + units of records', ({ setGate }) => setGate({ tickets: 8 }));

notices('a record whose buyer is forgotten', `gate: each record has its buyer's entry`, ({ key }) =>
  stores.redis.hdel(key('buyers'), 'one'),
);

notices('a buyer who owns nothing', `gate: each buyer's entry has its record`, ({ key, lost }) =>
  stores.redis.hset(key('buyers'), 'three', lost),
);

notices('a pending record that is never due', 'gate: each pending record will be looked at', async (sale) => {
  await sale.addRecord(await sale.addOrder('three', 1, 'placed'), 'three', 1, 'sent');
  await sale.setGate({ tickets: 6 });
});

notices('a sold record that is due', 'gate: what will be looked at is pending', ({ key, one }) =>
  stores.redis.zadd(key('due'), 1, one),
);

notices('an order that is sold already, and still in line', 'gate: who is in line is pending', ({ key, one }) =>
  stores.redis.zadd(key('line'), 1, one),
);

notices('stock that appears', 'inventory: initial = available + held + sold', async ({ move }) => {
  await stores.inventory.query('ALTER TABLE sales DROP CONSTRAINT conservation');
  await move({ initial: 1 });
});

notices('a unit held without a reservation', 'inventory: held = units of held reservations', ({ move }) =>
  move({ available: -1, held: 1 }),
);

notices('a unit sold without a reservation', 'inventory: sold = units of sold reservations', ({ move }) =>
  move({ available: -1, sold: 1 }),
);

notices('a buyer with two live orders', 'orders: one live order a buyer', async ({ addOrder }) => {
  await stores.orders.query('DROP INDEX orders_one_live_per_buyer');
  await addOrder('one', 1, 'placed');
});

notices('a confirmed order whose charge is undone', 'orders: confirmed, so its charge is captured', ({ one }) =>
  setCharge(one, 'reversed'),
);

notices(
  'a confirmed order whose unit is released',
  'orders: confirmed and closed, so its unit is sold',
  async (sale) => {
    await setReservation(sale.one, 'released');
    await sale.move({ available: 1, sold: -1 });
  },
);

notices('a declined order that holds a unit', 'orders: ended and closed, so it has no unit', async (sale) => {
  await setReservation(sale.declined, 'held');
  await sale.move({ available: -1, held: 1 });
});

notices('a declined order that is charged', 'orders: ended and closed, so no charge is captured', async (sale) => {
  await setCharge(sale.declined, 'captured');
  await sale.capture(sale.declined, PRICE);
});

notices('a sold order that the gate forgot', 'across: each unit taken has its record in the gate', async (sale) => {
  await stores.redis.hdel(sale.key('orders'), sale.one);
  await stores.redis.hdel(sale.key('buyers'), 'one');
  await sale.setGate({ tickets: 8 });
});

notices('a charge that the bank does not know', 'payment: each captured charge is so at the bank', () =>
  statement.charges.shift(),
);

notices('an order that is placed for ever', 'in flight: each order is within its bound', ({ addOrder }) =>
  addOrder('three', 1, 'placed', '-1 hour'),
);

notices(
  'a record that was never settled',
  ['rest: no unsent or sent records', 'rest: sold records = confirmed orders'],
  async ({ key, one, addRecord }) => {
    await addRecord(one, 'one', 1, 'sent');
    await stores.redis.zadd(key('due'), Date.now(), one);
  },
);

notices('an order that was never closed', 'rest: no placed or open orders', ({ one }) =>
  stores.orders.query('UPDATE orders SET open = true WHERE id = $1', [one]),
);

notices('an event that was never sent', 'rest: no events in the outbox', ({ one }) =>
  stores.orders.query(`INSERT INTO outbox (order_id, routing_key, payload) VALUES ($1, 'order.confirmed', '{}')`, [
    one,
  ]),
);

notices(
  'a unit that stays held',
  ['rest: no placed or open orders', 'rest: no held units', 'rest: confirmed orders = sold reservations'],
  async ({ one, move }) => {
    await setReservation(one, 'held');
    await stores.orders.query('UPDATE orders SET open = true, version = 3 WHERE id = $1', [one]);
    await move({ held: 1, sold: -1 });
  },
);

notices('a charge without an end', 'rest: no requested or reversing charges', ({ addCharge, lost }) =>
  addCharge(lost, 'requested'),
);

notices('a bank that is still busy', `rest: no charges in the bank's line`, () => {
  statement.line.waiting = 1;
});

notices('a ticket that leaked', 'rest: tickets = available', ({ setGate }) => setGate({ supply: 9, tickets: 6 }));

notices('a gate of another epoch', `rest: the gate's epoch = the sale's`, ({ setGate }) => setGate({ epoch: 2 }));

notices('a gate that missed a change of its sale', `rest: the gate's revision = the sale's`, ({ move }) =>
  move({ revision: 1 }),
);

notices(
  'an order that was ended but is sold and paid',
  [
    'orders: ended and closed, so it has no unit',
    'orders: ended and closed, so no charge is captured',
    'rest: sold records = confirmed orders',
    'rest: confirmed orders = sold reservations',
    'rest: confirmed orders = captured charges',
    'rest: ended orders are not captured at the bank',
  ],
  ({ one }) => stores.orders.query(`UPDATE orders SET status = 'rejected' WHERE id = $1`, [one]),
);

notices('a capture at the bank without an order', `rest: captured charges = the bank's captures`, (sale) =>
  sale.capture(sale.saleId, 1),
);

notices('a buyer who paid for one of two units', 'rest: captured minor units = price × quantity', ({ two }) => {
  captured(two).amountMinor = PRICE;
});

notices(
  'two buyers who paid for each other, the sum being right',
  'rest: captured minor units = price × quantity',
  (sale) => {
    captured(sale.one).amountMinor = 2 * PRICE;
    captured(sale.two).amountMinor = PRICE;
  },
);

notices('a buyer who paid in another currency', 'rest: captured minor units = price × quantity', ({ one }) => {
  captured(one).currency = 'CNY';
});

test('an order that moved while it was compared does not count', async () => {
  const { one } = await openSale();
  const { orders } = await readAgain(stores, [one]);
  await stores.orders.query(`UPDATE orders SET status = 'cancelled', open = true, version = 3 WHERE id = $1`, [one]);
  const charges = new Map([[one, { orderId: one, state: 'reversing' as const }]]);
  const checks = await participantChecks(stores, { orders, reservations: new Map(), charges });
  assert.equal(checks[0]?.left, 1, 'it was confirmed when it was read');
  assert.ok(checks.every(({ ok }) => ok));
});

test('a sale whose gate is being rebuilt is not compared with inventory, and a note reports it', async () => {
  const { key, saleId } = await openSale();
  await stores.redis.del(key('gate'), key('orders'), key('buyers'));
  const { ok, notes } = await audit(stores, { atRest: false });
  assert.ok(ok);
  assert.match(notes.join(), new RegExp(`${saleId}.*missing or being rebuilt`));
});

test('orders in flight are listed with their age and their bound', async () => {
  const orderId = await (await openSale()).addOrder('three', 1, 'placed');
  const { atRest, inFlight } = await audit(stores);
  assert.equal(atRest, false);
  const [order] = inFlight;
  assert.equal(order?.orderId, orderId);
  assert.ok(order.ageMs >= 0 && order.ageMs < 60_000 && order.boundMs > 600_000);
});

test('the checks of rest are waited for', async () => {
  const { setGate } = await openSale();
  await setGate({ supply: 9, tickets: 6 });
  setTimeout(() => void setGate({ supply: 10, tickets: 7 }), 300);
  assert.ok((await audit(stores, { atRest: true })).ok);
});

const npmRunAudit = (args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
  execa(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: {
      REDIS_URL: namespace.redisUrl,
      ORDERS_DATABASE_URL: namespace.databases.orders,
      INVENTORY_DATABASE_URL: namespace.databases.inventory,
      PAYMENT_DATABASE_URL: namespace.databases.payment,
      BANK_URL: bankUrl,
      BANK_API_KEY: 'none',
      ...env,
    },
    reject: false,
  });

test('npm run audit prints both sides of each check and whether anything moves, and ends with 0', async () => {
  await openSale();
  const folder = world.adopt(mkdtempSync(join(tmpdir(), 'audit-')), (it) => rm(it, { recursive: true }));
  const { exitCode, stdout } = await npmRunAudit(['--json', join(folder, 'audit.json')]);
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^✓ gate: supply = tickets \+ units of records +10 = 7 \+ 3$/m);
  assert.match(stdout, /^At rest \(nothing pending anywhere\): (\d+) of \1 checks hold\.$/m);
  const json = JSON.parse(readFileSync(join(folder, 'audit.json'), 'utf8'));
  assert.equal(json.ok, true);
  const first = { name: 'gate: supply = tickets + units of records', left: 10, right: 10, ok: true };
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
  const { one } = await openSale();
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
