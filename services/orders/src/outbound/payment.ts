// Payment as orders calls it. A call that fails leaves every item unknown.
import { PaymentServiceClient } from '@flashsale/contracts/payment';
import { chargeState } from '@flashsale/contracts/wire';
import { call, connectTo } from '@flashsale/rpc/client';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import type { Payment } from '../domain/order.ts';
import { unknownOnFailure } from './unknown.ts';

export function createPayment(config: Config, log: Log): Payment & { stop(): void } {
  const client = connectTo(PaymentServiceClient, config.PAYMENT_ADDRESS, { retries: 'idempotent' });
  const answers = unknownOnFailure(log);
  return {
    charge: (orders, deadlineMs) =>
      answers('Charge', async () => {
        const items = orders.map(({ orderId, amount }) => ({ orderId, ...amount }));
        const { outcomes } = await call(client, client.charge, { items }, { deadlineMs });
        return outcomes.map(({ orderId, state }) => [orderId, chargeState.fromWire(state)]);
      }),

    void: (orders, deadlineMs) =>
      answers('Void', async () => {
        const request = { orderIds: orders.map((order) => order.orderId) };
        const { outcomes } = await call(client, client.void, request, { deadlineMs });
        return outcomes.map(({ orderId, state }) => [orderId, chargeState.fromWire(state)]);
      }),

    stop: () => client.close(),
  };
}
