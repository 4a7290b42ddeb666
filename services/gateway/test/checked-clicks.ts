// Clicks under faults, whose responses are checked against the stores in the end.
import assert from 'node:assert/strict';
import { isFinalStatus } from '@flashsale/contracts/messages';
import { v7 } from 'uuid';
import { times } from '../../../infra/testbed/samples.ts';
import type { TestShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { assertLocation } from './problem.ts';

export type ClickResponse = Awaited<ReturnType<TestShop['buy']>> & { buyer: string };

/** `responses` may be shared by the clicks at several gateways. */
export function clicksAt(
  shop: TestShop,
  saleId: string,
  gateway: { url: string; ops: number } = shop.services.gateway,
  responses: ClickResponse[] = [],
) {
  const unready = async () => (await fetch(`http://127.0.0.1:${gateway.ops}/readyz`)).status === 503;

  async function click(buyer: string): Promise<ClickResponse> {
    const response = { ...(await shop.buy(saleId, buyer, undefined, gateway.url)), buyer };
    responses.push(response);
    return response;
  }

  return {
    click,
    responses,
    unready: () => until('the gateway says that it is not ready', unready),
    ready: () => until('the gateway is ready again', async () => !(await unready())),

    /** The gateway refuses for a second after a call without a response; then one click tries. */
    letIn: () =>
      until('a buyer is let in again', async () => [201, 202].includes((await click(`in again ${v7()}`)).httpStatus)),

    /** Six buyers of that name at once; resolves with the statuses that were seen. */
    async burst(name: string): Promise<number[]> {
      const clicks = times(6, (i) => click(`${name} ${i}`));
      return [...new Set((await Promise.all(clicks)).map(({ httpStatus }) => httpStatus))].sort();
    },

    /** Once everything has come to rest: each response agrees with the stores. */
    async check(): Promise<void> {
      await shop.evidence.atRest(60_000);
      const of = (...statuses: number[]) => responses.filter(({ httpStatus }) => statuses.includes(httpStatus));
      assert.equal(of(201, 202, 402, 503, 504).length, responses.length, 'no other response');

      for (const { retryAfter } of of(503)) assert.match(retryAfter ?? '', /^[12]$/);
      const refused = of(503).map(({ buyer }) => buyer);
      assert.deepEqual(await shop.evidence.tracesOf(...refused), {}, '503: nothing happened');

      for (const { buyer, orderId, location, httpStatus } of of(201, 202, 402, 504)) {
        assertLocation(location, orderId, saleId);
        const orders = await shop.evidence.ordersOf(buyer);
        const order = await shop.order(location as string, buyer);
        if (httpStatus === 504 && orders.length === 0) {
          // It never got in: a young id is believed to be in the queue, an older one is known never to have been.
          assert.deepEqual(await shop.evidence.tracesOf(buyer), {});
          assert.ok(order.status === 'queued' || order.httpStatus === 404, `${order.httpStatus} ${order.status}`);
        } else {
          assert.deepEqual(
            orders.map((row) => [row.orderId, row.status]),
            [[orderId, order.status]],
          );
          assert.ok(isFinalStatus(order.status), `${buyer}: ${order.status}`);
          if (httpStatus === 201) assert.equal(order.status, 'confirmed');
        }
      }
    },
  };
}
