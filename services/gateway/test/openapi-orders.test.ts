// The document at /openapi.json against the live port: orders, from reading one to cancelling it.
import { v7 } from 'uuid';
import {
  admin,
  buyer,
  type Live,
  limited,
  queued,
  type Sent,
  scripted,
  send,
  shop,
  tooOften,
  UNAVAILABLE,
  walk,
} from './openapi.ts';

const { createSale, tokenFor, holdCharges } = shop;
const alice = tokenFor('alice');
const { orderId: alices = '' } = await shop.buy(queued, 'alice');
await shop.final(alices, 'alice');
const holds = {
  queued: await createSale({ mode: 'queued', stock: 1_000, checkout: 'hold', holdSeconds: 600 }),
  direct: await createSale({ mode: 'direct', stock: 1_000, checkout: 'hold', holdSeconds: 600 }),
};

const pay = (orderId: string, sent: Sent) => send('POST', `/v1/orders/${orderId}/payment`, sent);
const cancel = (orderId: string, sent: Sent) => send('DELETE', `/v1/orders/${orderId}`, sent);
const adminCancel = (orderId: string, sent: Sent = {}) =>
  send('POST', `/v1/orders/${orderId}/cancel`, { token: admin, ...sent });

/** An order of a new buyer that waits for its payment. */
async function aHold(mode: 'queued' | 'direct' = 'direct') {
  const name = v7();
  const { orderId = '' } = await shop.buy(holds[mode], name);
  await shop.reaches(orderId, name, 'reserved');
  return { orderId, token: tokenFor(name), name };
}

async function aPaidHold() {
  const hold = await aHold();
  await pay(hold.orderId, hold);
  await shop.reaches(hold.orderId, hold.name, 'confirmed');
  return hold;
}

async function aCancelledHold() {
  const hold = await aHold();
  await cancel(hold.orderId, hold);
  return hold;
}

/** While its payment is requested and not charged. */
async function whilePaying(call: (hold: { orderId: string; token: string }) => Promise<Response>) {
  const release = holdCharges();
  const hold = await aHold('queued');
  await pay(hold.orderId, hold);
  const response = await call(hold);
  release();
  return response;
}

/** While another stream is open. */
async function besideAListener(call: () => Promise<Response>) {
  const release = holdCharges();
  const { orderId = '' } = await shop.buy(queued, 'listener');
  const path = `/v1/orders/${orderId}/events`;
  const open = await send('GET', path, { token: tokenFor('listener'), at: limited.url });
  const response = await call();
  release();
  await open.text();
  return response;
}

/** At a gateway that reaches no orders service. */
async function withoutOrders(call: (at: string) => Promise<Response>) {
  const gateway = await shop.start.gateway({ ORDERS_ADDRESS: '127.0.0.1:1' });
  const response = await call(gateway.url);
  await gateway.stop();
  return response;
}

const OPERATIONS: Live = {
  'get /v1/orders': {
    200: () => send('GET', `/v1/orders?sale=${queued}`, { token: alice }),
    'bad-request': () => send('GET', '/v1/orders?sale=x', { token: alice }),
    unauthenticated: () => send('GET', `/v1/orders?sale=${queued}`),
    'not-found': () => send('GET', `/v1/orders?sale=${queued}`, { token: buyer() }),
    busy: () =>
      scripted('gatewayInventory', 'getSale', UNAVAILABLE, () =>
        send('GET', `/v1/orders?sale=${v7()}`, { token: alice }),
      ),
  },
  'get /v1/orders/{orderId}': {
    'bad-request': () => send('GET', '/v1/orders/%zz'),
    200: () => send('GET', `/v1/orders/${alices}`, { token: alice }),
    unauthenticated: () => send('GET', `/v1/orders/${alices}`),
    'not-found': () => send('GET', `/v1/orders/${alices}`, { token: buyer() }),
    busy: () => scripted('orders', 'getOrders', UNAVAILABLE, () => send('GET', `/v1/orders/${v7()}`, { token: alice })),
  },
  'delete /v1/orders/{orderId}': {
    'bad-request': () => cancel('%zz', {}),
    200: () => aHold().then((hold) => cancel(hold.orderId, hold)),
    unauthenticated: () => cancel(alices, {}),
    'not-found': () => cancel(alices, { token: buyer() }),
    busy: () => scripted('orders', 'getOrders', UNAVAILABLE, () => cancel(v7(), { token: alice })),
    'order-ended': () => cancel(alices, { token: alice }),
    'not-reserved': () => cancel(v7(), { token: alice }),
    'payment-under-way': () => whilePaying((hold) => cancel(hold.orderId, hold)),
    'rate-limited': () => tooOften((again) => cancel(v7(), again)),
    'outcome-unknown': () =>
      aHold().then((hold) => scripted('orders', 'cancelOrder', UNAVAILABLE, () => cancel(hold.orderId, hold))),
  },
  'post /v1/orders/{orderId}/payment': {
    'bad-request': () => pay('%zz', {}),
    201: () => aHold('direct').then((hold) => pay(hold.orderId, hold)),
    202: () => aHold('queued').then((hold) => pay(hold.orderId, hold)),
    unauthenticated: () => pay(alices, {}),
    'payment-declined': async () => {
      const hold = await aHold('direct');
      await shop.bank.change({ declineRate: 1 });
      const response = await pay(hold.orderId, hold);
      await shop.bank.change({ declineRate: 0 });
      return response;
    },
    'not-found': () => pay(alices, { token: buyer() }),
    busy: () => scripted('orders', 'getOrders', UNAVAILABLE, () => pay(v7(), { token: alice })),
    'order-ended': () => aCancelledHold().then((hold) => pay(hold.orderId, hold)),
    'not-reserved': () => pay(v7(), { token: alice }),
    'not-a-hold': () => pay(alices, { token: alice }),
    'rate-limited': () => tooOften((again) => pay(v7(), again)),
    'outcome-unknown': () =>
      aHold('direct').then((hold) => scripted('orders', 'payOrder', UNAVAILABLE, () => pay(hold.orderId, hold))),
  },
  'post /v1/orders/{orderId}/cancel': {
    'bad-request': () => adminCancel('%zz'),
    200: () => aPaidHold().then(({ orderId }) => adminCancel(orderId)),
    unauthenticated: () => adminCancel(alices, { token: '' }),
    forbidden: () => adminCancel(alices, { token: alice }),
    'not-found': () => adminCancel(v7()),
    busy: () => withoutOrders((at) => adminCancel(alices, { at })),
    'not-confirmed': () => aHold().then(({ orderId }) => adminCancel(orderId)),
    'outcome-unknown': () => scripted('orders', 'cancelOrder', UNAVAILABLE, () => adminCancel(alices)),
  },
  'get /v1/orders/{orderId}/events': {
    'bad-request': () => send('GET', '/v1/orders/%zz/events'),
    200: () => send('GET', `/v1/orders/${alices}/events`, { token: alice }),
    async 204() {
      const text = await (await send('GET', `/v1/orders/${alices}/events`, { token: alice })).text();
      const lastId = /^id: (.*)$/m.exec(text)?.[1] ?? '';
      return send('GET', `/v1/orders/${alices}/events`, { token: alice, headers: { 'last-event-id': lastId } });
    },
    unauthenticated: () => send('GET', `/v1/orders/${alices}/events`),
    'not-found': () => send('GET', `/v1/orders/${alices}/events`, { token: buyer() }),
    busy: () => besideAListener(() => send('GET', `/v1/orders/${alices}/events`, { token: alice, at: limited.url })),
  },
};

walk(OPERATIONS, (path) => path.startsWith('/v1/orders'));
