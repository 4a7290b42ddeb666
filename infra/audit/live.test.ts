// The audit while a crowd buys: lines that are exact at every instant never fail, however much is on its way.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openShop } from '../testbed/shop.ts';
import { type AuditResult, audit } from './audit.ts';
import { describeAudit } from './print.ts';
import { openStores } from './stores.ts';

const shop = await openShop({ bank: { DECLINE_RATE: '0.3', LATENCY_P50_MS: '20', LATENCY_P99_MS: '200', SEED: '7' } });
const stores = openStores(shop.stores);
after(async () => {
  await stores.close();
  await shop.close();
});

async function auditWhile(work: Promise<unknown>): Promise<AuditResult[]> {
  let working = true;
  work.finally(() => {
    working = false;
  });
  const results: AuditResult[] = [];
  while (working) results.push(await audit(stores, { atRest: false }));
  await work;
  return results;
}

for (const mode of ['queued', 'direct'] as const) {
  test(`${mode}: with three in ten charges declined, every audit on the way holds, and the one at the end`, async () => {
    const saleId = await shop.createSale({ mode, stock: 80 });
    const buyers = Array.from({ length: 150 }, (_, i) => `${mode}-${i}`);
    const bought = Promise.all(buyers.map((buyer) => shop.buy(saleId, buyer)));
    const ended = bought.then((answers) =>
      Promise.all(answers.map(({ orderId }, i) => orderId && shop.final(orderId, buyers[i] as string, 60_000))),
    );
    const results = await auditWhile(ended);
    for (const result of results) assert.ok(result.ok, describeAudit(result).join('\n'));
    assert.ok(
      results.some(({ inFlight }) => inFlight.length > 0),
      'at least one audit met orders on their way',
    );

    const rest = await audit(stores, { atRest: true, patienceMs: 20_000 });
    assert.ok(rest.ok, describeAudit(rest).join('\n'));
  });
}
