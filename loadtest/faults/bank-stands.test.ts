// The bank stands still during a burst: each order gets its unit all the same, and is paid when the bank is back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit } from '../../infra/audit/audit.ts';
import { describeShortly } from '../../infra/audit/print.ts';
import { createBuyers } from '../../infra/buyers/buyers.ts';
import { until } from '../../infra/until.ts';
import { openSale } from '../demo/demo.ts';
import { settings } from '../demo/settings.ts';
import { ownStack } from './own-stack.ts';

const BURST = { buyers: 1_000, seconds: 3 };
const FAST = { chargesPerSecond: 0, latencyMs: { p50: 1, p99: 2 } };
const STANDING = {
  'takes one charge a second': { ...FAST, chargesPerSecond: 1 },
  'answers after 30 seconds': { chargesPerSecond: 0, latencyMs: { p50: 30_000, p99: 30_000 } },
};

const own = ownStack('bank-stands');

for (const [how, behaviour] of Object.entries(STANDING)) {
  test(`a bank that ${how} keeps no order from its unit: all are reserved meanwhile, and confirmed when it is back`, async (t) => {
    const { stack, stores, generator } = own;
    await stores.bank.change({ ...settings.bank, ...behaviour });
    const saleId = await openSale(stack, 'queued', BURST.buyers);
    const buyers = createBuyers(stack.tokenSecrets, `buyer-${saleId.slice(-6)}`, BURST.buyers);
    const tokens = buyers.map(({ token }) => token);
    const load = { gatewayUrl: stack.gatewayUrl, saleId, tokens, seconds: BURST.seconds, clicks: BURST.buyers };
    const { statuses } = await generator.send({ ...load, timeoutMs: 10_000, keep: false });
    assert.deepEqual(statuses, { 202: BURST.buyers });
    const hasUnit = async () => (await counts(saleId)).placed === 0;
    await until('each order has its unit', hasUnit, { withinMs: 20_000, everyMs: 250 });
    const { reserved, p50, p99 } = await counts(saleId);
    t.diagnostic(`${reserved} wait for the bank; from admission to reserved p50 ${p50} ms, p99 ${p99} ms`);
    assert.ok(reserved > BURST.buyers / 2, `${reserved} wait for the bank`);

    await stores.bank.change(FAST);
    const isPaid = async () => (await counts(saleId)).confirmed === BURST.buyers;
    await until('each order is confirmed', isPaid, { withinMs: 90_000, everyMs: 250 });
    const atRest = await audit(stores, { atRest: true, withinMs: 60_000 });
    assert.ok(atRest.ok, describeShortly(atRest).join('\n'));
  });
}

/** An id is minted in the moment of admission, and a reserved row was touched last when it was reserved. Milliseconds. */
const COUNTS = `SELECT count(*) FILTER (WHERE status = 'placed')::int AS placed,
  count(*) FILTER (WHERE status = 'reserved')::int AS reserved,
  count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
  round(percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE status = 'reserved'))::int AS p50,
  round(percentile_cont(0.99) WITHIN GROUP (ORDER BY took) FILTER (WHERE status = 'reserved'))::int AS p99
  FROM (SELECT *, extract(epoch FROM touched_at) * 1000 - minted_at AS took
    FROM orders, LATERAL (SELECT ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint AS minted_at) AS id_time
    WHERE sale_id = $1) AS row`;

const counts = async (saleId: string): Promise<Record<'placed' | 'reserved' | 'confirmed' | 'p50' | 'p99', number>> =>
  (await own.stores.orders.query(COUNTS, [saleId])).rows[0];
