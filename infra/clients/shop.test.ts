import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createShop, NEVER } from './shop.ts';

const ID = '0190a000-0000-7000-8000-000000000000';
const LOCATION = `/v1/orders/${ID}?sale=0190b000-0000-7000-8000-000000000000&epoch=1`;

test('an order is requested at its location, and one that never came into being is final', async (t) => {
  const requested: string[] = [];
  const statuses = [503, 404];
  const server = createServer((request, response) => {
    requested.push(request.url ?? '');
    response.writeHead(statuses[requested.length - 1] ?? 500).end('{}');
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const shop = createShop(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  assert.equal(await shop.order(ID, 'a-token', LOCATION), null, 'the shop does not know yet');
  assert.equal((await shop.order(ID, 'a-token', LOCATION))?.status, NEVER);
  assert.deepEqual(requested, [LOCATION, LOCATION]);
});
