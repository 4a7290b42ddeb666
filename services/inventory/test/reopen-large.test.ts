// A sale with a million sold units is reopened like any other, and nothing else stands still meanwhile.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sale } from '@flashsale/contracts/inventory';
import { status, statusOf } from '@flashsale/rpc/client';
import { anOrder, times } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openInventory } from './inventory.ts';

const SOLD = 1_000_000;
const inventory = await openInventory();
const { open, get, reopen, reopening, reserve, release } = inventory;

let sale: Sale;
before(async () => {
  sale = await open(SOLD + 1_000);
  await inventory.database.query(
    `INSERT INTO reservations (order_id, sale_id, buyer_id, quantity, state)
     SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1, 'buyer-' || n, 1, 'sold' FROM generate_series(1, $2::int) AS n`,
    [sale.id, SOLD],
  );
  await inventory.database.query('UPDATE sales SET sold = $2, available = available - $2 WHERE id = $1', [
    sale.id,
    SOLD,
  ]);
});

const ID_PREFIX = '00000000-0000-7000-8000-';
const numberOf = (orderId: string) => Number.parseInt(orderId.slice(ID_PREFIX.length), 16);
const soldOrder = (n: number) => ({ ...anOrder(sale), orderId: `${ID_PREFIX}${n.toString(16).padStart(12, '0')}` });

test('all pages of a million arrive, as of one instant, while this sale and another one go on selling', async () => {
  const other = await open(SOLD);
  const stream = reopening(sale.id, 1);
  const { sale: reopened } = (await stream.next()).value ?? {};
  assert.deepEqual([reopened?.epoch, reopened?.sold, reopened?.available], [2, SOLD, 1_000]);
  // The sale is free again although its pages are yet to be read, and what is done to it now is not in them.
  assert.deepEqual(await reserve([{ ...anOrder(sale), epoch: 2 }]), ['held']);
  assert.deepEqual(
    await release(times(500, (n) => soldOrder(n + 1))),
    times(500, () => 'released'),
  );

  let [reading, responses] = [true, 0];
  const selling = (async () => {
    for (; reading; responses += 1) {
      assert.deepEqual(await reserve([anOrder(other)]), ['held']);
      await sleep(10);
    }
  })();
  const seen = new Uint8Array(SOLD + 1);
  for await (const { reservations } of stream) {
    assert.ok(reservations.length <= 1_000);
    for (const at of reservations.map(({ orderId }) => numberOf(orderId))) seen[at] = (seen[at] ?? 0) + 1;
  }
  reading = false;
  await selling;
  assert.ok(seen.every((count, n) => count === (n === 0 ? 0 : 1)));
  assert.ok(responses >= 10, `another sale had ${responses} responses meanwhile`);
  assert.equal((await get(sale.id)).epoch, 2);
});

test('callers that leave in the middle free their places, and no transaction is left behind', async () => {
  const streams = [];
  for (const epoch of [2, 3, 4, 5]) {
    const stream = reopening(sale.id, epoch);
    await stream.next();
    streams.push(stream);
  }
  await assert.rejects(reopen(sale.id, 6), (error) => statusOf(error) === status.RESOURCE_EXHAUSTED);
  assert.equal((await get(sale.id)).epoch, 6);
  for (const stream of streams) await stream.return();
  const open = `SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()`;
  await until('no transaction is left', async () => (await inventory.database.query(open)).rows[0].count === 0);
  const stream = reopening(sale.id, 6);
  assert.equal((await stream.next()).value?.sale?.epoch, 7);
  await stream.return();
});
