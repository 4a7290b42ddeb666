// What is under /api/v1 goes to the gateway, with the cookie's token and without the cookie, and comes back as it is.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startService } from '../../../infra/testbed/services.ts';
import { createBrowser, openStorefront } from './shop.ts';

const { shop, fromPage, logIn } = await openStorefront();
const queued = await shop.createSale({ mode: 'queued', stock: 10 });
const direct = await shop.createSale({ mode: 'direct', stock: 10 });
const JSON_TYPE = { 'content-type': 'application/json' };

async function buy(saleId: string, headers: Record<string, string>) {
  const init = { method: 'POST', body: '{}', headers: { ...JSON_TYPE, ...headers } };
  const response = await fromPage(`/api/v1/sales/${saleId}/orders`, init);
  return { status: response.status, location: response.headers.get('location') ?? '' };
}
const eventsOf = (location: string) => location.replace('?', '/events?');

test('a guest reads the sales, buys, and sees the order’s life as it happens', async () => {
  const { sales } = (await (await fromPage('/api/v1/sales')).json()) as { sales: { id: string }[] };
  assert.ok(sales.some(({ id }) => id === queued));
  const { headers } = await logIn();
  const letGo = shop.holdCharges();
  const { status, location } = await buy(queued, headers);
  assert.equal(status, 202);
  assert.match(location, /^\/api\/v1\/orders\/[\w-]{36}\?sale=/);
  const stream = await fromPage(eventsOf(location), { headers });
  assert.equal(stream.headers.get('content-type'), 'text/event-stream');
  let text = '';
  for await (const chunk of stream.body as ReadableStream<Uint8Array>) {
    // The first event is here while the payment is not made: nothing is held back until the end.
    if (text === '') letGo();
    text += Buffer.from(chunk).toString();
  }
  assert.match(text, /"status":"queued"/);
  assert.match(text, /"status":"confirmed"/);
  const lastId = [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
  const again = await fromPage(eventsOf(location), { headers: { ...headers, 'last-event-id': lastId } });
  assert.equal(again.status, 204);
});

test('without a login there is no order to be had, and another guest’s order is not found', async () => {
  assert.equal((await buy(direct, {})).status, 401);
  const { headers } = await logIn();
  const { status, location } = await buy(direct, headers);
  assert.equal(status, 201);
  assert.equal((await fromPage(location, { headers })).status, 200);
  assert.equal((await fromPage(location, { headers: (await logIn()).headers })).status, 404);
});

/** A gateway of this test, which shows what it received. */
async function startUpstream(t: { after(end: () => unknown): void }, own = {}) {
  const received: IncomingMessage[] = [];
  const gone: Promise<unknown>[] = [];
  const server = createServer((request, response) => {
    received.push(request.resume());
    gone.push(once(response, 'close'));
    if (!request.url?.includes('events')) return void response.writeHead(200, { 'set-cookie': 'a=b' }).end('{}');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 1000\n\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const GATEWAY_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const storefront = await startService.storefront({ GATEWAY_URL, ...own });
  t.after(async () => {
    server.closeAllConnections();
    await Promise.all([storefront.stop(), new Promise((resolve) => server.close(resolve))]);
  });
  return { received, gone, server, storefront, ...createBrowser(storefront.url) };
}

test('no cookie and no other header than those that the gateway reads goes through', async (t) => {
  const { fromPage, received } = await startUpstream(t);
  const headers = { cookie: 'other=1; buyer=the.tok.en', authorization: 'Bearer mine', 'x-forwarded-for': '1.2.3.4' };
  const response = await fromPage('/api/v1/orders/x/payment?sale=y', { method: 'POST', headers });
  assert.deepEqual(response.headers.getSetCookie(), []);
  const [{ url, headers: passed } = { url: '', headers: {} }] = received;
  assert.equal(url, '/v1/orders/x/payment?sale=y');
  assert.equal(passed.authorization, 'Bearer the.tok.en');
  const names = Object.keys(passed).filter((name) => !['host', 'connection', 'accept', 'authorization'].includes(name));
  assert.deepEqual(names, ['content-length']);
  await fromPage('/api/v1/orders/x', { headers: { authorization: 'Bearer mine' } });
  assert.equal(received[1]?.headers.authorization, undefined);
});

test('a stream ends when the storefront stops, so that its reader reconnects, and when its reader goes', async (t) => {
  const { fromPage, gone, storefront } = await startUpstream(t);
  const reader = new AbortController();
  await fromPage('/api/v1/orders/x/events', { signal: reader.signal });
  reader.abort();
  await gone[0];
  const stream = await fromPage('/api/v1/orders/x/events');
  const rest = stream.text();
  await storefront.stop();
  assert.equal(await rest, 'retry: 1000\n\n');
});

test('beyond its limit it is 503, and a gateway that is away is 502: both as problems, with when to come back', async (t) => {
  const { fromPage, server } = await startUpstream(t, { MAX_FORWARDED: 1 });
  const stream = await fromPage('/api/v1/orders/x/events');
  const full = await fromPage('/api/v1/sales');
  assert.equal(full.status, 503);
  assert.equal(((await full.json()) as { type: string }).type, '/problems/busy');
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await Promise.all([closed, stream.text().catch(() => undefined)]);
  const away = await fromPage('/api/v1/sales');
  assert.equal(away.status, 502);
  assert.equal(away.headers.get('retry-after'), '2');
});
