// Orders whose gate is lost, rebuilt or wrong at some step of theirs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '@flashsale/contracts/keys';
import { RESULTS_QUEUE } from '@flashsale/contracts/topology';
import { until } from '../../../infra/until.ts';
import {
  buy,
  channel,
  evidence,
  loseGate,
  PUBLISHED,
  proxies,
  publish,
  recordOf,
  redis,
  shop,
  untilEpoch,
  untilEventsAreApplied,
  wires,
} from './reopened-shop.ts';

test('the gate is lost while an order is being charged: its ticket comes back when it is declined', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const rebuilt = untilEpoch(saleId, 2);
  proxies.payment.on('charge', async (_request, forward) => {
    await rebuilt;
    return forward();
  });
  await shop.bank.change({ declineRate: 1 });
  const { orderId } = await buy(saleId, 'poor');
  await until('its unit is held', async () => (await evidence.tracesOf('poor')).poor?.includes('unit held'));
  await loseGate(saleId);
  assert.equal((await shop.final(orderId as string, 'poor')).status, 'rejected');
  proxies.payment.on('charge');
  await shop.bank.change({ declineRate: 0 });
  await evidence.atRest();
  const { tickets, epoch } = await evidence.gate(saleId);
  assert.deepEqual([tickets, epoch], [3, 2]);
});

test('an order that a worker holds while its gate is rebuilt is refused by inventory, and takes no ticket', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const rebuilt = untilEpoch(saleId, 2);
  let inHand = false;
  proxies.inventory.on('reserve', async (_request, forward) => {
    inHand = true;
    await rebuilt;
    return forward();
  });
  const { orderId } = await buy(saleId, 'in hand');
  await until('a worker has it', () => inHand);
  await loseGate(saleId);
  const { status, reason } = await shop.final(orderId as string, 'in hand');
  proxies.inventory.on('reserve');
  assert.deepEqual([status, reason], ['rejected', 'stale_epoch']);
  await evidence.atRest();
  assert.equal((await evidence.gate(saleId)).tickets, 3);
});

test('an order cancelled between the snapshot and the new gate gives its ticket back, and an old confirmation keeps it no more', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const { orderId } = await buy(saleId, 'cancelled');
  await shop.final(orderId as string, 'cancelled');
  await until('it is sold', async () => (await recordOf(saleId, orderId))?.state === 'sold');
  const { promise: cancelled, resolve: goOn } = Promise.withResolvers<void>();
  let taken = false;
  proxies.gatewayInventory.on('reopen', async (_request, forward) => {
    const snapshot = await forward();
    taken = true;
    await cancelled;
    return snapshot;
  });
  await loseGate(saleId);
  await until('the snapshot is taken', () => taken);
  await shop.adminCancel(orderId as string);
  await until(
    'its event is applied',
    async () => (await shop.order(orderId as string, 'cancelled')).status === 'cancelled',
  );
  await untilEventsAreApplied();
  goOn();
  proxies.gatewayInventory.on('reopen');
  await untilEpoch(saleId, 2);
  await publish({
    orderId: orderId as string,
    saleId,
    buyerId: 'cancelled',
    epoch: 1,
    status: 'confirmed',
    version: 3,
  });
  await until('its ticket is back', async () => (await evidence.gate(saleId)).tickets === 3);
  await evidence.atRest();
});

test('an event that is lost leaves a gate at rest that contradicts inventory: it is rebuilt', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 3 });
  const { orderId } = await buy(saleId, 'cancelled meanwhile');
  await until('it is sold', async () => (await recordOf(saleId, orderId))?.state === 'sold');
  wires.gatewayAmqp.block(true);
  const consumers = async () => (await channel.checkQueue(RESULTS_QUEUE)).consumerCount;
  await until('the broker knows that the gateways are gone', async () => (await consumers()) === 0);
  await shop.adminCancel(orderId as string);
  await until('its events are with the broker', async () => {
    const { rows } = await evidence.stores.orders.query(PUBLISHED, [orderId]);
    return rows[0].published;
  });
  await shop.broker.purge(RESULTS_QUEUE);
  wires.gatewayAmqp.block(false);
  await untilEpoch(saleId, 2);
  assert.equal((await evidence.gate(saleId)).tickets, 3);
  await evidence.atRest();
});

test('a gate that admits an order for which there is no unit is rebuilt', async () => {
  const saleId = await shop.createSale({ mode: 'queued', stock: 1 });
  await shop.final((await buy(saleId, 'first')).orderId as string, 'first');
  await redis.hset(keyOf(saleId, 'gate'), 'tickets', 1);
  const second = await until('it is admitted', async () => {
    const { httpStatus, orderId } = await buy(saleId, 'second');
    return httpStatus === 202 && orderId;
  });
  const { status, reason } = await shop.final(second, 'second');
  assert.deepEqual([status, reason], ['rejected', 'sold_out']);
  await untilEpoch(saleId, 2);
  await until('it is sold out', async () => (await buy(saleId, 'third')).httpStatus === 410);
  await evidence.atRest();
});
