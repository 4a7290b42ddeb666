// Inventory as orders calls it. A call that fails leaves every item unknown.
import { InventoryServiceClient } from '@flashsale/contracts/inventory';
import { reservationState } from '@flashsale/contracts/wire';
import { call, connectTo } from '@flashsale/rpc/client';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import type { Inventory, Order } from '../domain/order.ts';
import { unknownOnFailure } from './unknown.ts';

export function createInventory(config: Config, log: Log): Inventory & { stop(): void } {
  const client = connectTo(InventoryServiceClient, config.INVENTORY_ADDRESS, { retries: 'idempotent' });
  const answers = unknownOnFailure(log);
  return {
    reserve: (orders, deadlineMs) =>
      answers('Reserve', async () => {
        const { outcomes } = await call(client, client.reserve, { items: orders }, { deadlineMs });
        return outcomes.map(({ orderId, state, reason, amount }) => [
          orderId,
          {
            state: reservationState.fromWire(state),
            reason,
            amount: { amountMinor: amount?.amountMinor ?? 0, currency: amount?.currency ?? '' },
          },
        ]);
      }),

    confirm: (orders, deadlineMs) =>
      answers('Confirm', async () => {
        const request = { orderIds: orders.map((order: Order) => order.orderId) };
        const { outcomes } = await call(client, client.confirm, request, { deadlineMs });
        return outcomes.map(({ orderId, state }) => [orderId, reservationState.fromWire(state)]);
      }),

    release: (orders, deadlineMs) =>
      answers('Release', async () => {
        const { outcomes } = await call(client, client.release, { items: orders }, { deadlineMs });
        return outcomes.map(({ orderId, state }) => [orderId, reservationState.fromWire(state)]);
      }),

    stop: () => client.close(),
  };
}
