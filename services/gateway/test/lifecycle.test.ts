// The process: a bad environment, a start without neighbours, and a stop that lets its responses out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuses, spawnService } from '../../../infra/testbed/process.ts';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { spawnGateway } from './spawned.ts';

// A charge that is slow on a busy machine must not become an unknown outcome.
const shop = await openShop({ orders: { CHARGE_TIMEOUT_MS: '20000' } });
const { proxies, evidence, buy } = shop;

test('a bad environment ends the process with one message that names every bad variable and shows no value', async (t) => {
  const { exit, stderr, logged } = spawnService(t, 'gateway', {
    HTTP_PORT: 'many',
    OPS_PORT: '65536',
    REDIS_URL: 'http://:hunter2@redis',
    ORDERS_ADDRESS: 'nowhere',
    INVENTORY_ADDRESS: '',
    BUYER_TOKEN_SECRET: 'hunter2-is-short',
    DIRECT_MAX_IN_FLIGHT: '0',
    REFRESH_MS: '-1',
    LOG_LEVEL: 'loud',
  });
  assert.deepEqual(await exit, [1, null]);
  const message = (await stderr).trim();
  const bad = ['HTTP_PORT', 'OPS_PORT', 'REDIS_URL', 'AMQP_URL', 'ORDERS_ADDRESS', 'INVENTORY_ADDRESS'];
  const secrets = ['BUYER_TOKEN_SECRET', 'ADMIN_TOKEN_SECRET'];
  for (const name of [...bad, ...secrets, 'DIRECT_MAX_IN_FLIGHT', 'REFRESH_MS', 'LOG_LEVEL'])
    assert.match(message, new RegExp(`^  ${name}: `, 'm'));
  assert.match(message, /AMQP_URL: is missing/);
  assert.equal(message.split('\n').length, 12);
  assert.doesNotMatch(message, /hunter2|many|loud|nowhere|\n +at /);
  assert.deepEqual(logged, []);
});

test('SIGTERM in the middle of requests: no new ones, those have their responses, exit code 0', async (t) => {
  const [direct, queued] = [
    await shop.createSale({ mode: 'direct', stock: 5 }),
    await shop.createSale({ mode: 'queued', stock: 5 }),
  ];
  const gateway = await spawnGateway(t, shop, { DIRECT_DEADLINE_MS: '20000' });
  await gateway.ready();
  const placing = proxies.orders.hold('placeOrder', 'there');
  const waiting = [0, 1].map((i) => buy(direct, `direct ${i}`, undefined, gateway.url));
  await placing.reached(2);
  gateway.wires.amqp.holdResponses(true);
  waiting.push(buy(queued, 'queued', undefined, gateway.url));
  await until('the publish is in flight', async () => (await evidence.ordersOf('queued')).length === 1);

  gateway.child.kill('SIGTERM');
  await until('it takes no more', () => refuses(new URL(gateway.url).host));
  assert.equal(gateway.child.exitCode, null);
  placing.letGo();
  gateway.wires.amqp.holdResponses(false);
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ httpStatus }) => httpStatus),
    [201, 201, 202],
  );
  assert.deepEqual(await gateway.exit, [0, null]);
  assert.equal(await gateway.stderr, '');
  proxies.orders.on('placeOrder');
  await evidence.atRest();
});

test('it starts without Redis and without a broker, says so, turns buyers away, and sells when they are there', async (t) => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 5 });
  const { url, readyz, ready, wires } = await spawnGateway(t, shop, {}, true);
  assert.equal(await readyz(), 'not ready: no redis, cannot publish, not consuming\n');
  assert.equal((await buy(saleId, 'too early', undefined, url)).httpStatus, 503);
  assert.deepEqual(await evidence.tracesOf('too early'), {});
  wires.redis.block(false);
  wires.amqp.block(false);
  await ready();
  assert.equal((await buy(saleId, 'in time', undefined, url)).httpStatus, 202);
});
