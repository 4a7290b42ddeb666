// Inventory as orders calls it. A call that fails leaves every item unknown.
import { reservationState } from '@flashsale/contracts/fields';
import { InventoryServiceClient } from '@flashsale/contracts/inventory';
import { reasonFromWire } from '@flashsale/contracts/messages';
import { call, connectTo, status, statusOf } from '@flashsale/rpc/client';
import { groupCommit } from '@flashsale/runtime/group-commit';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import type { Config } from '../config.ts';
import type { Inventory, Outcomes } from '../domain/ports.ts';

/** Confirms of the same `gatherMs` share a call. */
export function createInventory(
  config: Config,
  log: Log,
  registry: Registry,
  gatherMs: number,
): Inventory & { stop(): void } {
  const client = connectTo(InventoryServiceClient, config.INVENTORY_ADDRESS, { retries: 'idempotent', registry });
  const known = unknownOnFailure(log);

  const confirm = groupCommit(gatherMs, async (items: { orderId: string; timeoutMs: number }[]) => {
    const deadlineMs = Math.max(...items.map(({ timeoutMs }) => timeoutMs));
    const states = await known('Confirm', async () => {
      const request = { orderIds: items.map(({ orderId }) => orderId) };
      const { outcomes } = await call(client, client.confirm, request, { deadlineMs });
      return outcomes.map(({ orderId, state }) => [orderId, reservationState.fromWire(state)]);
    });
    return ({ orderId }) => states.get(orderId);
  });

  return {
    reserve: (orders, deadlineMs) =>
      known('Reserve', async () => {
        const { outcomes } = await call(client, client.reserve, { items: orders }, { deadlineMs });
        return outcomes.map(({ orderId, state, reason, amount, ...outcome }) => [
          orderId,
          {
            ...outcome,
            state: reservationState.fromWire(state),
            reason: reasonFromWire(reason),
            amount: { amountMinor: amount?.amountMinor ?? 0, currency: amount?.currency ?? '' },
          },
        ]);
      }),

    confirm: (orderId, timeoutMs) => confirm({ orderId, timeoutMs }),

    release: (orders, deadlineMs) =>
      known('Release', async () => {
        const { outcomes } = await call(client, client.release, { items: orders }, { deadlineMs });
        return outcomes.map(({ orderId, state }) => [orderId, reservationState.fromWire(state)]);
      }),

    stop: () => client.close(),
  };
}

/** A participant that does not respond leaves no entry, so that nothing is decided and the call is repeated. */
const unknownOnFailure =
  (log: Log) =>
  async <Value>(method: string, send: () => Promise<[string, Value][]>): Promise<Outcomes<Value>> => {
    try {
      return new Map(await send());
    } catch (error) {
      // A request that is refused as wrong is wrong each time: a bug, not an outage.
      const level = statusOf(error) === status.INVALID_ARGUMENT ? 'error' : 'warn';
      log[level]({ method, error: error instanceof Error ? error.message : error }, 'outcome unknown');
      return new Map();
    }
  };
