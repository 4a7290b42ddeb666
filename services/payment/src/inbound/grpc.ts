// gRPC: requests are read and checked, states become messages and status codes.
import type * as wire from '@flashsale/contracts/payment';
import { chargeState } from '@flashsale/contracts/wire';
import { read } from '@flashsale/rpc/request';
import { type Caller, RpcError, status } from '@flashsale/rpc/server';
import type { ChargeOrders } from '../domain/charge-orders.ts';
import type { Ledger, States } from '../domain/ports.ts';
import { Charge, GetCharge, Void } from './requests.ts';

export function paymentHandlers(options: {
  ledger: Ledger;
  charge: ChargeOrders;
  void: (orderIds: string[]) => Promise<States>;
  /** For a caller without a deadline. */
  timeoutMs: number;
}) {
  return {
    async *charge(request: wire.ChargeRequest, caller: Caller): AsyncGenerator<wire.ChargeResponse> {
      const { items } = read(Charge, request);
      const once = [...new Map(items.toReversed().map((item) => [item.orderId, item])).values()];
      for await (const states of options.charge(once, endOf(caller, options.timeoutMs)))
        yield { outcomes: [...states.keys()].map((orderId) => toWire(orderId, states)) };
    },
    async void(request: wire.VoidRequest): Promise<wire.VoidResponse> {
      const { orderIds } = read(Void, request);
      const states = await options.void([...new Set(orderIds)]);
      return { outcomes: orderIds.map((orderId) => toWire(orderId, states)) };
    },
    async getCharge(request: wire.GetChargeRequest): Promise<wire.GetChargeResponse> {
      const { orderId } = read(GetCharge, request);
      const charge = await options.ledger.find(orderId);
      if (!charge) throw new RpcError(status.NOT_FOUND, `order ${orderId} was neither charged nor voided`);
      return { charge: { orderId, state: chargeState.toWire(charge.state) }, amount: charge.amount ?? undefined };
    },
  } satisfies Record<keyof wire.PaymentServiceService, unknown>;
}

const LONGEST_MARGIN_MS = 1_000;

/** Early enough to record the answers and send them before the caller's deadline. */
function endOf({ deadlineMs }: Caller, timeoutMs: number): number {
  const leftMs = deadlineMs - Date.now();
  if (leftMs === Number.POSITIVE_INFINITY) return Date.now() + timeoutMs;
  return deadlineMs - Math.min(LONGEST_MARGIN_MS, leftMs / 10);
}

function toWire(orderId: string, states: States): wire.ChargeOutcome {
  const state = states.get(orderId);
  if (!state) throw new Error(`order ${orderId} was written, and is not there`);
  return { orderId, state: chargeState.toWire(state) };
}
