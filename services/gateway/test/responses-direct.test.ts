// The direct path while orders and Redis fail: one attempt for each order, 503 only when nothing happened, never a second placing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, constants, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { RpcError, status } from '@flashsale/rpc/handlers';
import { v7 } from 'uuid';
import type { Script } from '../../../infra/testbed/rpc-proxy.ts';
import { openShop } from '../../../infra/testbed/shop.ts';
import { layWire } from '../../../infra/testbed/wire.ts';
import { until } from '../../../infra/until.ts';
import { clicksAt } from './checked-clicks.ts';

const shop = await openShop({ gateway: { DIRECT_DEADLINE_MS: '1000', DIRECT_MAX_IN_FLIGHT: '6' } });
// Its sweeper would wait as long as its buyers do, so it refreshes rarely; without a refresh Redis' time is unknown.
const second = await shop.start.gateway({ DIRECT_DEADLINE_MS: '10000', REFRESH_MS: '5000' });
const { wires, proxies, evidence } = shop;
const saleId = await shop.createSale({ mode: 'direct', stock: 200 });
const { click, burst, ready, unready, letIn, check, responses } = clicksAt(shop, saleId);
const longer = clicksAt(shop, saleId, second, responses);
await Promise.all([letIn(), longer.letIn()]);

/** How often each order was placed while this script stands for orders. */
async function placedWhile(script: Script, work: () => Promise<unknown>): Promise<number[]> {
  const attempts = new Map<string, number>();
  proxies.orders.on('placeOrder', (request: never, ...rest) => {
    const { orderId } = (request as { command: { orderId: string } }).command;
    attempts.set(orderId, (attempts.get(orderId) ?? 0) + 1);
    return script(request, ...rest);
  });
  await work();
  proxies.orders.on('placeOrder');
  return [...attempts.values()];
}

const fail =
  (code: status, trailers: Record<string, string> = {}) =>
  async () => {
    throw new RpcError(code, 'as the test says', trailers);
  };
const shed = fail(status.RESOURCE_EXHAUSTED, { shed: '1' });
const eachOnce = Array(6).fill(1);

/** An HTTP/2 server in front of orders that forwards each call, waits for its response, and resets the stream. */
async function resetResponses(t: TestContext, address: string) {
  const orders = connect(`http://${address}`);
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const forwarded = orders.request({ ...headers, ':authority': address });
    stream.on('error', () => undefined).pipe(forwarded);
    forwarded.resume().once('end', () => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    orders.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Clicks at a gateway of the test's own, which finds orders at that address. */
const clicksBefore = async (t: TestContext, ORDERS_ADDRESS: string) =>
  clicksAt(shop, saleId, await shop.start.gateway({ ORDERS_ADDRESS, DIRECT_DEADLINE_MS: '10000' }, t), responses);

async function clicksBeforeWire(t: TestContext) {
  const wire = await layWire(`http://${proxies.orders.address}`);
  t.after(() => wire.close());
  return { wire, ...(await clicksBefore(t, new URL(wire.url).host)) };
}

test('shed by orders: given back at once, 503, and nothing is missing', async () => {
  const placed = await placedWhile(shed, async () => {
    assert.deepEqual(await longer.burst('shed'), [503]);
  });
  assert.deepEqual(placed, eachOnce);
  assert.deepEqual(await evidence.tracesOf('shed 0', 'shed 5'), {});
});

test('an attempt that fails after it was delivered is not made again: a later shed would give a living order back', async () => {
  let attempt = 0;
  const placed = await placedWhile(
    async (_request, forward) => {
      attempt += 1;
      if (attempt > 1) return shed();
      await forward();
      throw new RpcError(status.UNAVAILABLE, 'the response is lost');
    },
    async () => {
      const { httpStatus, orderId } = await longer.click('delivered');
      assert.equal(httpStatus, 504);
      assert.equal((await shop.final(orderId as string, 'delivered')).status, 'confirmed');
    },
  );
  assert.deepEqual(placed, [1]);
  await longer.letIn();
});

test('RESOURCE_EXHAUSTED without the trailer of orders is unknown: a proxy may say it of a call that was delivered', async () => {
  const placed = await placedWhile(
    async (_request, forward) => {
      await forward();
      throw new RpcError(status.RESOURCE_EXHAUSTED, 'Bandwidth exhausted or memory limit exceeded');
    },
    async () => {
      const { httpStatus, orderId } = await click('exhausted');
      assert.equal(httpStatus, 504);
      assert.equal((await shop.final(orderId as string, 'exhausted')).status, 'confirmed');
    },
  );
  assert.deepEqual(placed, [1]);
  await letIn();
});

test('a stream that is reset with ENHANCE_YOUR_CALM after orders did it is 504, never 503', async (t) => {
  const calming = await resetResponses(t, proxies.orders.address);
  const other = await clicksBefore(t, calming);
  await until('it is at work', async () => {
    const { httpStatus, orderId, buyer } = await other.click(`calmed ${v7()}`);
    if (httpStatus === 503) return false;
    assert.equal(httpStatus, 504);
    return shop.final(orderId as string, buyer).then(({ status }) => status === 'confirmed');
  });
});

for (const code of [status.UNAVAILABLE, status.INTERNAL, status.CANCELLED, status.ABORTED]) {
  test(`${status[code]} from orders: unknown, after one attempt`, async () => {
    const placed = await placedWhile(fail(code), async () => {
      assert.deepEqual(await burst(`failed ${status[code]}`), [504]);
    });
    assert.deepEqual(placed, eachOnce);
    await letIn();
  });
}

test('a connection that breaks under the call is not repaired by a second placing', async (t) => {
  const { wire, ...other } = await clicksBeforeWire(t);
  const cutting: Script = (_request, forward) => {
    wire.cut();
    return forward();
  };
  const placed = await placedWhile(cutting, async () => {
    const { httpStatus, orderId } = await other.click('cut off');
    assert.equal(httpStatus, 504);
    assert.equal((await shop.final(orderId as string, 'cut off')).status, 'confirmed');
  });
  assert.deepEqual(placed, [1]);
});

test('while orders cannot be reached, no buyer is admitted: 503, and it sells again once orders can be reached', async (t) => {
  const { wire, ...other } = await clicksBeforeWire(t);
  wire.block(true);
  await until('it is known', async () => (await other.click(`before ${Math.random()}`)).httpStatus === 503);
  assert.deepEqual(await other.burst('unreachable'), [503]);
  assert.deepEqual(await evidence.tracesOf('unreachable 0', 'unreachable 5'), {});
  wire.block(false);
  await until('it sells again', async () => (await other.click(`after ${Math.random()}`)).httpStatus === 201);
});

test('a response that comes after the deadline is unknown, and the order is what it became', async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const late: Script = async (_request, forward) => {
    const response = await forward();
    await held;
    return response;
  };
  const placed = await placedWhile(late, async () => {
    const { httpStatus, orderId } = await click('late response');
    assert.equal(httpStatus, 504);
    release();
    assert.equal((await shop.final(orderId as string, 'late response')).status, 'confirmed');
  });
  assert.deepEqual(placed, [1]);
  await letIn();
});

test('after calls without a response the next ones are refused before admit, until one of them has a response', async () => {
  await placedWhile(
    () => new Promise(() => undefined),
    async () => {
      assert.deepEqual(await burst('no response'), [504]);
      assert.deepEqual(await burst('spared'), [503]);
      assert.deepEqual(await evidence.tracesOf('spared 0', 'spared 5'), {});
    },
  );
  await letIn();
});

test('beyond the limit of calls a buyer is turned away before admit: 503, and Redis has received nothing', async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  let inside = 0;
  const placed = await placedWhile(
    async (_request, forward) => {
      inside += 1;
      await held;
      return forward();
    },
    async () => {
      const within = longer.burst('within');
      await until('all of them are at work', () => inside === 6);
      let received = false;
      wires.redis.onRequest((bytes) => {
        received ||= bytes.includes('beyond');
      });
      assert.deepEqual(await longer.burst('beyond'), [503]);
      wires.redis.onRequest();
      assert.equal(received, false);
      release();
      assert.deepEqual(await within, [201]);
      assert.deepEqual(await longer.burst('again'), [201], 'those who have left make room');
    },
  );
  assert.equal(placed.length, 12);
});

test('Redis away: 503 before anything', async () => {
  wires.redis.block(true);
  await unready();
  assert.deepEqual(await burst('no Redis'), [503]);
  wires.redis.block(false);
  await ready();
  await letIn();
});

test('an admit whose reply is lost is never placed: 504, and its ticket comes back', async () => {
  const placed = await placedWhile(fail(status.INTERNAL), async () => {
    wires.redis.loseResponses(true);
    const response = click('no reply');
    await until('the gate has it', async () => (await evidence.gate(saleId)).buyers.has('no reply'));
    await until('its reply is lost', wires.redis.hasLost);
    wires.redis.loseResponses(false);
    assert.equal((await response).httpStatus, 504);
  });
  assert.deepEqual(placed, []);
  await ready();
  await letIn();
});

test('in the end every 503 left nothing anywhere, and every 504 can be read', async () => {
  await check();
  const orders = await evidence.ordersOf('no reply', 'failed INTERNAL 0', 'failed UNAVAILABLE 0');
  assert.deepEqual(
    orders.map(({ status, reason }) => `${status} ${reason}`),
    Array(3).fill('cancelled given_up'),
  );
});
