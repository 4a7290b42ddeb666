// Inventory and payment as a worker reaches them: through proxies, at which a test may hold, lose or listen.
import { InventoryServiceClient, InventoryServiceService } from '@flashsale/contracts/inventory';
import { PaymentServiceClient, PaymentServiceService } from '@flashsale/contracts/payment';
import { inventoryProto, paymentProto } from '@flashsale/contracts/proto';
import { RpcError, status } from '@flashsale/rpc/server';
import { proxyRpc, type RpcProxy } from '../../../infra/testbed/rpc-proxy.ts';
import { until } from '../../../infra/until.ts';
import type { Environment } from './environment.ts';

export async function openNeighbours(environment: Environment) {
  const inventory = await proxyRpc({
    service: InventoryServiceService,
    Client: InventoryServiceClient,
    protoFile: inventoryProto,
    address: environment.addresses.inventory,
  });
  const payment = await proxyRpc({
    service: PaymentServiceService,
    Client: PaymentServiceClient,
    protoFile: paymentProto,
    address: environment.addresses.payment,
  });
  return {
    inventory,
    payment,
    /** Whatever a test still holds. */
    letGo() {
      for (const proxy of [inventory, payment]) for (const letGo of held.get(proxy) ?? []) letGo();
    },
    stop: async () => void (await Promise.all([inventory.stop(), payment.stop()])),
  };
}

const held = new WeakMap<RpcProxy, (() => void)[]>();

/** Holds the calls of a method back, on their way there or on their way back, until `letGo`; then all go through. */
export function hold(proxy: RpcProxy, method: string, where: 'there' | 'back') {
  const released = Promise.withResolvers<void>();
  held.set(proxy, [...(held.get(proxy) ?? []), released.resolve]);
  let count = 0;
  proxy.on(method, async (_request, forward) => {
    const answer = where === 'back' ? await forward() : undefined;
    count += 1;
    await released.promise;
    return answer ?? forward();
  });
  return {
    reached: () => until(`${method} is held ${where}`, () => count > 0),
    count: () => count,
    letGo: released.resolve,
  };
}

/** Loses calls of a method: on their way there nothing has happened, on their way back it has and nobody hears of it. */
export function lose(
  proxy: RpcProxy,
  method: string,
  { howMany, where, code = status.DEADLINE_EXCEEDED }: { howMany: number; where: 'there' | 'back'; code?: status },
) {
  let lost = 0;
  proxy.on(method, async (_request, forward) => {
    if (lost >= howMany) return forward();
    lost += 1;
    if (where === 'back') await forward();
    throw new RpcError(code, `lost on its way ${where}`);
  });
  return { lost: () => lost };
}

/** Notes what a method is asked, and lets it through. */
export function listen<Request>(proxy: RpcProxy, method: string): Request[] {
  const asked: Request[] = [];
  proxy.on(method, (request, forward) => {
    asked.push(request);
    return forward();
  });
  return asked;
}
