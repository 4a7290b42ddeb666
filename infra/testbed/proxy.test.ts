// The shop behind a corporate proxy, in a process of its own, because the environment is the whole process'.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openShop } from './shop.ts';

test('an order is confirmed on both paths, although the environment names a proxy that does not respond', async () => {
  for (const name of ['grpc_proxy', 'http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'])
    process.env[name] = 'http://127.0.0.1:9';
  const shop = await openShop();
  for (const mode of ['queued', 'direct'] as const) {
    const sale = await shop.createSale({ mode, stock: 1 });
    const { orderId = '' } = await shop.buy(sale, 'alice');
    assert.equal((await shop.final(orderId, 'alice')).status, 'confirmed', mode);
  }
});
