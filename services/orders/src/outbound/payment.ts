// Payment as orders calls it. A call that fails leaves every item unknown.
import { type ChargeState, chargeState, type Money } from '@flashsale/contracts/fields';
import { type ChargeOutcome, PaymentServiceClient } from '@flashsale/contracts/payment';
import { call, callStream, connectTo } from '@flashsale/rpc/client';
import { groupCommit } from '@flashsale/runtime/group-commit';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import type { Config } from '../config.ts';
import type { Payment } from '../domain/ports.ts';

interface ChargeItem {
  orderId: string;
  amount: Money;
  timeoutMs: number;
}

type Known = ChargeState | undefined;

/** Charges of the same `gatherMs` share a call. */
export function createPayment(
  config: Config,
  log: Log,
  registry: Registry,
  gatherMs: number,
): Payment & { stop(): void } {
  const client = connectTo(PaymentServiceClient, config.PAYMENT_ADDRESS, { retries: 'idempotent', registry });

  function unknown(method: string, error: unknown): undefined {
    log.warn({ method, error: error instanceof Error ? error.message : error }, 'outcome unknown');
  }

  /** One stream for all that were gathered. Each outcome resolves when it arrives, the rest when the stream ends. */
  function startCharges(group: ChargeItem[], timeoutMs: number): (orderId: string) => Promise<Known> | undefined {
    const outcomes = new Map(group.map(({ orderId }) => [orderId, Promise.withResolvers<Known>()]));
    const items = group.map(({ orderId, amount }) => ({ orderId, amount }));
    async function read() {
      for await (const response of callStream(client, client.charge, { items }, { deadlineMs: timeoutMs }))
        for (const outcome of response.outcomes) outcomes.get(outcome.orderId)?.resolve(knownOf(outcome));
    }
    read()
      .catch((error) => unknown('Charge', error))
      .finally(() => {
        for (const { resolve } of outcomes.values()) resolve(undefined);
      });
    return (orderId) => outcomes.get(orderId)?.promise;
  }

  const charge = groupCommit<ChargeItem, Known>(gatherMs, async (group) => {
    const longestMs = Math.max(...group.map(({ timeoutMs }) => timeoutMs));
    const outcomeOf = startCharges(group, longestMs);
    return ({ orderId, timeoutMs }) =>
      timeoutMs < longestMs ? atMost(timeoutMs, outcomeOf(orderId)) : outcomeOf(orderId);
  });

  return {
    charge: ({ orderId, amount }, timeoutMs) => charge({ orderId, amount, timeoutMs }),

    async void(orderIds, timeoutMs) {
      try {
        const { outcomes } = await call(client, client.void, { orderIds }, { deadlineMs: timeoutMs });
        return new Map(outcomes.map(({ orderId, state }) => [orderId, chargeState.fromWire(state)]));
      } catch (error) {
        return new Map(unknown('Void', error));
      }
    },

    // NOT_FOUND is unknown, too: only payments that were voided are read, so its row was lost, not the money.
    async stateOf(orderId, timeoutMs) {
      try {
        const { charge } = await call(client, client.getCharge, { orderId }, { deadlineMs: timeoutMs });
        return charge && chargeState.fromWire(charge.state);
      } catch (error) {
        return unknown('GetCharge', error);
      }
    },

    stop: () => client.close(),
  };
}

function knownOf({ state }: ChargeOutcome): Known {
  const known = chargeState.fromWire(state);
  return known === 'requested' ? undefined : known;
}

function atMost<Value>(ms: number, value: Promise<Value> | undefined): Promise<Value | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, undefined);
    value?.then(resolve).finally(() => clearTimeout(timer));
  });
}
