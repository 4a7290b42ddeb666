// The gRPC door: requests are read and checked, states become messages and status codes.
import type * as wire from '@flashsale/contracts/payment';
import { chargeState } from '@flashsale/contracts/wire';
import { read } from '@flashsale/rpc/request';
import { type Caller, RpcError, status } from '@flashsale/rpc/server';
import type { ChargeItem, Ledger, States } from '../domain/charge.ts';
import { Charge, GetCharge, Void } from './requests.ts';

export function paymentHandlers(options: {
  ledger: Ledger;
  charge: (items: ChargeItem[], untilMs: number) => Promise<States>;
  void: (orderIds: string[]) => Promise<States>;
  /** For a caller who named no deadline. */
  patienceMs: number;
}) {
  return {
    async charge(request: wire.ChargeRequest, caller: Caller): Promise<wire.ChargeResponse> {
      const { items } = read(Charge, request);
      const asked = [...new Map(items.toReversed().map((item) => [item.orderId, item])).values()];
      const states = await options.charge(asked, answerBy(caller, options.patienceMs));
      return { outcomes: items.map(({ orderId }) => toWire(orderId, states)) };
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
      const { state, amountMinor, currency } = charge;
      return {
        charge: { orderId, state: chargeState.toWire(state) },
        amountMinor: amountMinor ?? 0,
        currency: currency ?? '',
      };
    },
  } satisfies Record<keyof wire.PaymentServiceService, unknown>;
}

const LONGEST_MARGIN_MS = 200;

/** Early enough to write the answers down and send them while the caller still listens. */
function answerBy({ deadlineMs }: Caller, patienceMs: number): number {
  const leftMs = deadlineMs - Date.now();
  if (leftMs === Number.POSITIVE_INFINITY) return Date.now() + patienceMs;
  return deadlineMs - Math.min(LONGEST_MARGIN_MS, leftMs / 10);
}

function toWire(orderId: string, states: States): wire.ChargeOutcome {
  const state = states.get(orderId);
  if (!state) throw new Error(`order ${orderId} was written, and is not there`);
  return { orderId, state: chargeState.toWire(state) };
}
