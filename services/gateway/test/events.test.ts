// The course of an order as server-sent events, at any gateway.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { v7 } from 'uuid';
import { openShop } from '../../../infra/testbed/shop.ts';
import { until } from '../../../infra/until.ts';
import { assertProblem } from './problem.ts';

const HEARTBEAT_MS = '50';
const shop = await openShop({ gateway: { HEARTBEAT_MS } });
const second = await shop.start.gateway({ MAX_LISTENERS: '1' });
const { createSale, buy, request, tokenFor, holdCharges, wires } = shop;

interface Sent {
  id: string;
  data: { orderId: string; status: string; position?: number; estimatedWaitMs?: number | null; reason?: string };
}

/** Opens a stream; `sent` are its events so far, as a browser's EventSource would read them. */
async function listen(orderId: string, buyer: string, { base, lastId }: { base?: string; lastId?: string } = {}) {
  const headers = { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) };
  const gone = new AbortController();
  const init = { headers, signal: gone.signal };
  const response = await request(`/v1/orders/${orderId}/events`, init, tokenFor(buyer), base);
  let text = '';
  const ended = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  })().catch((error) => error);
  return {
    response,
    ended,
    leave: () => gone.abort(),
    text: () => text,
    sent: (): Sent[] =>
      text
        .split('\n\n')
        .filter((event) => event.startsWith('event: order\n'))
        .map((event) => ({
          id: /^id: (.*)$/m.exec(event)?.[1] ?? '',
          data: JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? ''),
        })),
  };
}

/** An order that waits: its view is written in the background, and with it its position can be read by its id alone. */
async function buyAndQueue(saleId: string, buyer: string): Promise<string> {
  const { orderId = '' } = await buy(saleId, buyer);
  await until('its position is known', async () => (await positionOf(orderId, buyer)) !== undefined);
  return orderId;
}

const positionOf = async (orderId: string, buyer: string) =>
  ((await shop.order(orderId, buyer)) as { position?: number }).position;

test('a buyer may listen at another gateway than that of the order: where it stands, then the result, then the end', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const orderId = await buyAndQueue(saleId, 'alice');
  const stream = await listen(orderId, 'alice', { base: second.url });
  assert.equal(stream.response.headers.get('content-type'), 'text/event-stream');
  assert.equal(stream.response.headers.get('cache-control'), 'no-store');
  await until('its position is sent', () => stream.sent().length > 0);
  release();
  assert.equal(await stream.ended, undefined);
  const [first, last] = [stream.sent()[0], stream.sent().at(-1)];
  assert.deepEqual([first?.data.status, first?.data.position, first?.data.estimatedWaitMs], ['queued', 1, null]);
  assert.deepEqual([last?.data.orderId, last?.data.status], [orderId, 'confirmed']);
  assert.match(stream.text(), /^retry: \d+\n\n/);
  assert.equal(new Set(stream.sent().map(({ id }) => id)).size, stream.sent().length, 'nothing is sent twice');
});

test('a listener that comes back is sent only what is new, and 204 after the end', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const orderId = await buyAndQueue(saleId, 'bob');
  const before = await listen(orderId, 'bob');
  const { id } = await until('its position is sent', () => before.sent()[0]);
  before.leave();
  const again = await listen(orderId, 'bob', { lastId: id });
  await until('it lives', () => again.text().includes('\n:\n'));
  assert.deepEqual(again.sent(), []);
  release();
  await again.ended;
  const [last] = again.sent();
  assert.equal(last?.data.status, 'confirmed');
  const over = await listen(orderId, 'bob', { lastId: last?.id ?? '' });
  assert.equal(over.response.status, 204);
  const other = await listen(orderId, 'bob', { lastId: 'something else' });
  await other.ended;
  assert.deepEqual(other.sent(), [last]);
});

test('an order that ended otherwise is sent with its reason', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  await shop.bank.change({ declineRate: 1 });
  const { orderId = '' } = await buy(saleId, 'carol');
  const stream = await listen(orderId, 'carol');
  await stream.ended;
  await shop.bank.change({ declineRate: 0 });
  const { status, reason } = stream.sent().at(-1)?.data ?? {};
  assert.deepEqual([status, reason], ['rejected', 'declined']);
});

test('a result whose update is lost reaches its buyer all the same', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const orderId = await buyAndQueue(saleId, 'dave');
  const stream = await listen(orderId, 'dave');
  await until('its position is sent', () => stream.sent().length > 0);
  wires.gatewayAmqp.block(true);
  release();
  await stream.ended;
  assert.equal(stream.sent().at(-1)?.data.status, 'confirmed');
  wires.gatewayAmqp.block(false);
  await shop.ready(shop.services.gateway.ops);
});

test('the queue moves: each order has a position of its own, and is sent again when it changes', async (t) => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  wires.ordersAmqp.block(true);
  t.after(() => wires.ordersAmqp.block(false));
  const orders: string[] = [];
  for (const buyer of ['one', 'two', 'three']) orders.push(await buyAndQueue(saleId, buyer));
  const positions = [];
  for (const [i, buyer] of ['one', 'two', 'three'].entries()) positions.push(await positionOf(orders[i] ?? '', buyer));
  assert.deepEqual(positions, [1, 2, 3]);
  const stream = await listen(orders[2] ?? '', 'three');
  wires.ordersAmqp.block(false);
  await stream.ended;
  assert.equal(stream.sent().at(-1)?.data.status, 'confirmed');
  assert.equal(await positionOf(orders[2] ?? '', 'three'), undefined);
});

test('there is room for a number of listeners, then 503 until one has gone', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const { orderId = '' } = await buy(saleId, 'erin');
  const first = await listen(orderId, 'erin', { base: second.url });
  assert.equal(first.response.status, 200);
  const path = `/v1/orders/${orderId}/events`;
  await assertProblem(await request(path, {}, tokenFor('erin'), second.url), 503, 'busy');
  first.leave();
  const next = await until('there is room again', async () => {
    const stream = await listen(orderId, 'erin', { base: second.url });
    return stream.response.status === 200 && stream;
  });
  release();
  await next.ended;
});

test('a listener that goes before the response frees its place', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const { orderId = '' } = await buy(saleId, 'hasty');
  const { hostname, port } = new URL(second.url);
  for (let i = 0; i < 20; i += 1) {
    const socket = connect(Number(port), hostname);
    const head = `GET /v1/orders/${orderId}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokenFor('hasty')}\r\n\r\n`;
    await new Promise<void>((resolve) => socket.write(head, () => resolve()));
    socket.destroy();
  }
  const stream = await until('there is room, though only one may listen', async () => {
    const stream = await listen(orderId, 'hasty', { base: second.url });
    return stream.response.status === 200 && stream;
  });
  release();
  await stream.ended;
});

test('one buyer cannot take all the places', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const { orderId = '' } = await buy(saleId, 'greedy');
  const streams = await Promise.all(Array.from({ length: 12 }, () => listen(orderId, 'greedy')));
  const statuses = streams.map(({ response }) => response.status);
  assert.deepEqual(statuses.toSorted(), [...Array(10).fill(200), 503, 503]);
  const { orderId: another = '' } = await buy(saleId, 'modest');
  assert.equal((await listen(another, 'modest')).response.status, 200);
  release();
  await Promise.all(streams.map(({ ended }) => ended));
});

test('only the buyer may listen: 401 without a token, 404 for another buyer and for an unknown order', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const { orderId = '' } = await buy(saleId, 'frank');
  await shop.final(orderId, 'frank');
  const path = `/v1/orders/${orderId}/events`;
  await assertProblem(await request(path), 401, 'unauthenticated');
  await assertProblem(await request(path, {}, tokenFor('grace')), 404, 'not-found');
  const longAgo = v7({ msecs: Date.now() - 24 * 3_600_000 });
  for (const id of [longAgo, 'x'])
    await assertProblem(await request(`/v1/orders/${id}/events`, {}, tokenFor('grace')), 404, 'not-found');
  const head = await request(path, { method: 'HEAD' }, tokenFor('frank'));
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('a gateway that stops lets its listeners go at once, and they go on at another', async () => {
  const third = await shop.start.gateway();
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const release = holdCharges();
  const orderId = await buyAndQueue(saleId, 'ivan');
  const stream = await listen(orderId, 'ivan', { base: third.url });
  await until('its position is sent', () => stream.sent().length > 0);
  await third.stop();
  await stream.ended;
  const next = await listen(orderId, 'ivan', { lastId: stream.sent().at(-1)?.id ?? '' });
  release();
  await next.ended;
  assert.equal(next.sent().at(-1)?.data.status, 'confirmed');
  await shop.evidence.atRest();
});

test('the caller’s own order is found by its sale, for a response that was lost; another buyer’s is not', async () => {
  const saleId = await createSale({ mode: 'queued', stock: 5 });
  const path = `/v1/orders?sale=${saleId}`;
  await assertProblem(await request(path, {}, tokenFor('judy')), 404, 'not-found');
  const { orderId = '' } = await buy(saleId, 'judy');
  const order = (await (await request(path, {}, tokenFor('judy'))).json()) as { orderId: string };
  assert.equal(order.orderId, orderId);
  await shop.final(orderId, 'judy');
  assert.deepEqual(
    await (await request(path, {}, tokenFor('judy'))).json(),
    await (await request(`/v1/orders/${orderId}`, {}, tokenFor('judy'))).json(),
  );
  await assertProblem(await request(path, {}, tokenFor('mallory')), 404, 'not-found');
  await assertProblem(await request(path), 401, 'unauthenticated');
  await assertProblem(await request(`/v1/orders?sale=${v7()}`, {}, tokenFor('judy')), 404, 'not-found');
  for (const query of ['', '?sale=x', `?sale=${saleId}&sale=${saleId}`])
    await assertProblem(await request(`/v1/orders${query}`, {}, tokenFor('judy')), 400, 'bad-request');
});
