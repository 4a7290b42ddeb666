// A service's neighbour, scripted at the wire: each call is forwarded to the real one, unless a test scripts it.
import { InventoryServiceClient, InventoryServiceService } from '@flashsale/contracts/inventory';
import { OrdersServiceClient, OrdersServiceService } from '@flashsale/contracts/orders';
import { PaymentServiceClient, PaymentServiceService } from '@flashsale/contracts/payment';
import { inventoryProto, ordersProto, paymentProto, protoFolder } from '@flashsale/contracts/proto';
import { call, callStream, connectTo } from '@flashsale/rpc/client';
import { type Caller, RpcError, status } from '@flashsale/rpc/handlers';
import { startRpcServer } from '@flashsale/rpc/server';
import { createRegistry } from '@flashsale/runtime/ops';
import type { ServiceDefinition, ServiceError } from '@grpc/grpc-js';
import { until } from '../until.ts';

/**
 * Makes the real call, with another request if one is given. A server-streaming call returns the array of all
 * its responses, when it has ended: to hold some of them back, forward a request for the others first.
 */
export type Forward = <Response = unknown>(request?: unknown) => Promise<Response>;
/** Responds in the neighbour's place; for a server-streaming call with an iterable, which may be asynchronous. */
export type Script = (request: never, forward: Forward, caller: Caller) => unknown;
export type RpcProxy = Awaited<ReturnType<typeof proxyRpc>>;
type Where = 'there' | 'back';

const NEIGHBOURS = {
  inventory: { service: InventoryServiceService, Client: InventoryServiceClient, protoFile: inventoryProto },
  payment: { service: PaymentServiceService, Client: PaymentServiceClient, protoFile: paymentProto },
  orders: { service: OrdersServiceService, Client: OrdersServiceClient, protoFile: ordersProto },
};
const NOWHERE = '127.0.0.1:1';

/** Without an address there is no real one: what a test does not script is UNAVAILABLE. */
export async function proxyRpc(name: keyof typeof NEIGHBOURS, address = NOWHERE) {
  const { Client, protoFile, service: definition } = NEIGHBOURS[name];
  const service: ServiceDefinition = definition;
  const registry = createRegistry('proxy');
  const client = connectTo<{ close(): void }>(Client, address, { retries: 'never', registry });
  const methods = client as unknown as Record<string, never>;
  const scripts = new Map<string, Script | undefined>();
  const timeOf = ({ deadlineMs }: Caller) => ({ deadlineMs: deadlineMs - Date.now() });

  const unary = (method: string) => async (request: never, caller: Caller) => {
    const forward = ((changed = request) =>
      call(client, methods[method] as never, changed, timeOf(caller)).catch(failAlike)) as Forward;
    const script = scripts.get(method);
    return script ? script(request, forward, caller) : forward();
  };

  const streaming = (method: string) =>
    async function* (request: never, caller: Caller) {
      const open = (changed: unknown = request) =>
        callStream(client, methods[method] as never, changed, timeOf(caller));
      const forward = ((changed) => collect(open(changed)).catch(failAlike)) as Forward;
      const script = scripts.get(method);
      try {
        yield* script ? ((await script(request, forward, caller)) as AsyncIterable<unknown>) : open();
      } catch (error) {
        failAlike(error);
      }
    };

  const handlerOf = (method: string) => (service[method]?.responseStream ? streaming(method) : unary(method));
  const server = await startRpcServer({
    host: '127.0.0.1',
    port: 0,
    service,
    handlers: Object.fromEntries(Object.keys(service).map((method) => [method, handlerOf(method)])),
    protoFolder,
    protoFile,
    log: { error: () => undefined },
    registry,
  });
  /** The script of a method from now on; undefined: straight through. */
  const on = (method: string, script?: Script) => void scripts.set(method, script);
  const held: (() => void)[] = [];
  return {
    address: `127.0.0.1:${server.port}`,
    on,

    /** Holds the calls of a method back, on their way there or on their way back, until `letGo`; then all go through. */
    hold(method: string, where: Where) {
      const released = Promise.withResolvers<void>();
      held.push(released.resolve);
      let count = 0;
      on(method, async (_request, forward) => {
        const response = where === 'back' ? await forward() : undefined;
        count += 1;
        await released.promise;
        return response ?? forward();
      });
      return {
        reached: (calls = 1) => until(`${method} is held ${where}`, () => count >= calls),
        count: () => count,
        letGo: released.resolve,
      };
    },

    /** Loses calls of a method: on their way there nothing has happened, on their way back it has, without a response. */
    lose(method: string, { howMany, where, code = status.DEADLINE_EXCEEDED }: Loss) {
      let lost = 0;
      on(method, async (_request, forward) => {
        if (lost >= howMany) return forward();
        lost += 1;
        if (where === 'back') await forward();
        throw new RpcError(code, `lost on its way ${where}`);
      });
      return { lost: () => lost };
    },

    /** The requests of a method from now on, which go through. */
    listen<Request>(method: string): Request[] {
      const requests: Request[] = [];
      on(method, (request, forward) => {
        requests.push(request);
        return forward();
      });
      return requests;
    },

    /** From now on no call goes through. */
    cutOff() {
      for (const method of Object.keys(service)) on(method, unreachable);
    },
    /** Lets go of what a test still holds. */
    letGo() {
      for (const release of held.splice(0)) release();
    },
    async stop() {
      await server.stop();
      client.close();
    },
  };
}

interface Loss {
  howMany: number;
  where: Where;
  code?: status;
}

const unreachable = async () => {
  throw new RpcError(status.UNAVAILABLE, 'cut off');
};

async function collect(responses: AsyncIterable<unknown>): Promise<unknown[]> {
  const all = [];
  for await (const response of responses) all.push(response);
  return all;
}

/** Headers of HTTP/2's own, which come back among the trailers of a call without a response. */
const NO_TRAILERS = ['content-type', 'date'];

function failAlike(error: unknown): never {
  if (error instanceof RpcError) throw error;
  const { code, details, metadata } = error as Partial<ServiceError>;
  const trailers = Object.entries(metadata?.getMap() ?? {}).filter(([name]) => !NO_TRAILERS.includes(name));
  throw new RpcError(
    code ?? status.UNKNOWN,
    details ?? String(error),
    Object.fromEntries(trailers.map(([name, value]) => [name, String(value)])),
  );
}
