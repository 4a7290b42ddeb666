// The audit under load: checks that are exact at every instant never fail, however much is in flight.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openShop } from '../testbed/shop.ts';
import { until } from '../until.ts';
import { type AuditResult, audit } from './audit.ts';
import { describeAudit } from './print.ts';
import { openStores } from './stores.ts';

const HOLD_SECONDS = 4;

const shop = await openShop({
  bank: { DECLINE_RATE: '0.3', LATENCY_P50_MS: '20', LATENCY_P99_MS: '200', SEED: '7' },
  gateway: { DIRECT_DEADLINE_MS: '20000' },
});
const broker = {
  amqpUrl: shop.namespace.amqpUrl,
};
const stores = openStores({ ...shop.stores, ...broker });
after(async () => {
  await stores.close();
});

/** Every audit while there is work, and the one after it. */
async function assertAuditsHold(work: Promise<unknown>): Promise<AuditResult> {
  let working = true;
  const ended = work.finally(() => {
    working = false;
  });
  ended.catch(() => undefined);
  const results: AuditResult[] = [];
  while (working) results.push(await audit(stores, { atRest: false }));
  await ended;
  for (const result of results) assert.ok(result.ok, describeAudit(result).join('\n'));
  assert.ok(
    results.some(({ inFlight }) => inFlight.length > 0),
    'at least one audit found orders in flight',
  );
  const rest = await audit(stores, { atRest: true, withinMs: 20_000 });
  assert.ok(rest.ok, describeAudit(rest).join('\n'));
  return rest;
}

/** A busy machine may refuse a buyer for a moment: then the buyer clicks again. */
async function buyAll(saleId: string, buyers: string[]) {
  const click = async (buyer: string) => {
    const response = await shop.buy(saleId, buyer);
    return response.httpStatus !== 503 && response;
  };
  const clicks = buyers.map((buyer) => until(`${buyer} has a response`, () => click(buyer), 60_000));
  const responses = await Promise.all(clicks);
  return responses.flatMap(({ orderId, httpStatus }, i) =>
    orderId && httpStatus < 300 ? [{ orderId, buyer: buyers[i] as string }] : [],
  );
}

for (const mode of ['queued', 'direct'] as const) {
  test(`${mode}: with three in ten charges declined, every audit in flight holds, and the one at rest`, async () => {
    const saleId = await shop.createSale({ mode, stock: 80 });
    const buyers = Array.from({ length: 150 }, (_, i) => `${mode}-${i}`);
    const ended = buyAll(saleId, buyers).then((orders) =>
      Promise.all(orders.map(({ orderId, buyer }) => shop.final(orderId, buyer, 60_000))),
    );
    const { checks } = await assertAuditsHold(ended);
    assert.ok(checks.some(({ name }) => name === 'rest: no messages in the queues'));
  });

  test(`${mode}: while holds are paid, cancelled and expire, every audit in flight holds, and the one at rest`, async () => {
    const saleId = await shop.createSale({ mode, stock: 60, checkout: 'hold', holdSeconds: HOLD_SECONDS });
    const buyers = Array.from({ length: 60 }, (_, i) => `hold-${mode}-${i}`);
    async function buyAndAct() {
      const orders = await buyAll(saleId, buyers);
      const act = async ({ orderId, buyer }: (typeof orders)[number], nth: number) => {
        await shop.reaches(orderId, buyer, ['reserved', 'expired'], 60_000);
        if (nth % 3 === 0) await shop.pay(orderId, buyer);
        if (nth % 3 === 1) await shop.cancel(orderId, buyer);
        return shop.final(orderId, buyer, 60_000);
      };
      const ends = (await Promise.all(orders.map(act))).map(({ status }) => status);
      assert.ok(
        ['confirmed', 'cancelled', 'expired'].every((status) => ends.includes(status)),
        ends.join(),
      );
    }
    await assertAuditsHold(buyAndAct());
  });
}

test('a confirmed order that the admin cancels is refunded once, and its unit is on sale again', async () => {
  await shop.bank.change({ declineRate: 0 });
  const saleId = await shop.createSale({ mode: 'queued', stock: 1 });
  const { orderId = '' } = await shop.buy(saleId, 'regretful');
  await shop.reaches(orderId, 'regretful', 'confirmed');
  const cancelled = async () => {
    assert.equal((await shop.adminCancel(orderId)).httpStatus, 200);
    await assert.doesNotReject(shop.evidence.atRest());
  };
  await assertAuditsHold(cancelled());
  const { charges } = await shop.bank.statement();
  assert.deepEqual(
    charges.filter(({ key }) => key === orderId).map(({ status }) => status),
    ['reversed'],
  );
  assert.equal((await shop.order(orderId, 'regretful')).refund, 'done');
});
