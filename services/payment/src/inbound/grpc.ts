// Inbound gRPC: requests are read and checked, states become messages and status codes.
import { batch, chargeState, Id, Money } from '@flashsale/contracts/fields';
import * as wire from '@flashsale/contracts/payment';
import { paymentProto, protoFolder } from '@flashsale/contracts/proto';
import { type Caller, RpcError, read, status } from '@flashsale/rpc/handlers';
import { startRpcServer } from '@flashsale/rpc/server';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import { z } from 'zod';
import type { Config } from '../config.ts';
import type { ChargeOrders } from '../domain/charge-orders.ts';
import type { Charge, States } from '../domain/ports.ts';

const ChargeRequest = z.object({ items: batch(z.object({ orderId: Id, amount: Money })) });
const VoidRequest = z.object({ orderIds: batch(Id) });
const GetChargeRequest = z.object({ orderId: Id });

interface UseCases {
  charge: ChargeOrders;
  void(orderIds: string[]): Promise<States>;
  findCharge(orderId: string): Promise<Charge | undefined>;
}

export function startRpc(config: Config, useCases: UseCases, log: Log, registry: Registry) {
  const service = { service: wire.PaymentServiceService, handlers: createHandlers(config, useCases) };
  const server = { host: config.HOST, port: config.GRPC_PORT, log, registry };
  return startRpcServer({ ...server, ...service, protoFolder, protoFile: paymentProto });
}

function createHandlers(config: Config, useCases: UseCases) {
  return {
    async *charge(request: wire.ChargeRequest, caller: Caller): AsyncGenerator<wire.ChargeResponse> {
      const { items } = read(ChargeRequest, request);
      const once = [...new Map(items.toReversed().map((item) => [item.orderId, item])).values()];
      for await (const states of useCases.charge(once, endOf(caller, config.BANK_TIMEOUT_MS)))
        yield { outcomes: [...states.keys()].map((orderId) => toWire(orderId, states)) };
    },
    async void(request: wire.VoidRequest): Promise<wire.VoidResponse> {
      const { orderIds } = read(VoidRequest, request);
      const states = await useCases.void([...new Set(orderIds)]);
      return { outcomes: orderIds.map((orderId) => toWire(orderId, states)) };
    },
    async getCharge(request: wire.GetChargeRequest): Promise<wire.GetChargeResponse> {
      const { orderId } = read(GetChargeRequest, request);
      const charge = await useCases.findCharge(orderId);
      if (!charge) throw new RpcError(status.NOT_FOUND, `order ${orderId} was neither charged nor voided`);
      return { charge: { orderId, state: chargeState.toWire(charge.state) }, amount: charge.amount ?? undefined };
    },
  } satisfies Record<keyof wire.PaymentServiceService, unknown>;
}

const LONGEST_MARGIN_MS = 1_000;

/** Early enough to record the answers and send them before the caller's deadline. */
function endOf({ deadlineMs }: Caller, timeoutMs: number): number {
  const remainingMs = deadlineMs - Date.now();
  if (remainingMs === Number.POSITIVE_INFINITY) return Date.now() + timeoutMs;
  return deadlineMs - Math.min(LONGEST_MARGIN_MS, remainingMs / 10);
}

function toWire(orderId: string, states: States): wire.ChargeOutcome {
  const state = states.get(orderId);
  if (!state) throw new Error(`order ${orderId} was written, and is not there`);
  return { orderId, state: chargeState.toWire(state) };
}
