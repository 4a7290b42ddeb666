// A sale with a million sold units loses its gate: it gets a new one, and another sale goes on selling meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '@flashsale/contracts/keys';
import { createBuyers } from '../../infra/buyers/buyers.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { until } from '../../infra/until.ts';
import { openSale } from '../demo/demo.ts';
import { ownStack } from './own-stack.ts';

const [SOLD, AVAILABLE] = [1_000_000, 1_000];
/** A gateway rebuilds a gate of a million records only where 600 MB are free; the shipped limit is 512 MB. */
const MAXMEMORY = '2gb';

const own = ownStack('million');

test('the gate of a million sold units is lost: it is rebuilt and counts each of them, and another sale goes on selling', async (t) => {
  const { stack, stores } = own;
  await stores.redis.config('SET', 'maxmemory', MAXMEMORY);
  const shop = createShop(stack.gatewayUrl);
  const large = await openSale(stack, 'queued', SOLD + AVAILABLE);
  const other = await openSale(stack, 'queued', AVAILABLE);
  await insertSold(large);
  await stores.redis.del(keyOf(large, 'gate'));

  const lostAt = performance.now();
  const buyers = createBuyers(stack.tokenSecrets, 'meanwhile', AVAILABLE).map(({ token }) => token);
  const meanwhile: number[] = [];
  const sellsAgain = async () => {
    const token = buyers[meanwhile.length] ?? '';
    meanwhile.push(await shop.buy(other, token));
    return (await shop.buy(large, token)) === 202;
  };
  await until('the large sale sells again', sellsAgain, { withinMs: 180_000, everyMs: 200 });
  const memory = /used_memory_peak_human:(\S+)/.exec(await stores.redis.info('memory'))?.[1];
  const seconds = ((performance.now() - lostAt) / 1_000).toFixed(1);
  t.diagnostic(
    `sells again after ${seconds} s, ${meanwhile.length} orders of another sale meanwhile, Redis took ${memory}`,
  );
  assert.ok(meanwhile.length > 1 && meanwhile.every((status) => status === 202), 'the other sale went on selling');
  assert.equal((await shop.sale(large)).remaining, AVAILABLE - 1);
});

/** As if they had been sold: orders and inventory know each of them. */
async function insertSold(saleId: string): Promise<void> {
  const { stores } = own;
  const ids = `SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id, 'buyer-' || n AS buyer
    FROM generate_series(1, ${SOLD}) AS n`;
  await stores.inventory.query(
    `INSERT INTO reservations (order_id, sale_id, buyer_id, quantity, state) SELECT id, $1, buyer, 1, 'sold' FROM (${ids}) AS ids`,
    [saleId],
  );
  await stores.inventory.query(`UPDATE sales SET sold = ${SOLD}, available = available - ${SOLD} WHERE id = $1`, [
    saleId,
  ]);
  await stores.orders.query(
    `INSERT INTO orders (id, sale_id, buyer_id, quantity, epoch, mode, status, deadline, amount_minor, currency, decided_at)
     SELECT id, $1, buyer, 1, 1, 'queued', 'confirmed', now(), 4900, 'EUR', now() FROM (${ids}) AS ids`,
    [saleId],
  );
}
