// A service's neighbour, scripted at the wire: each call is forwarded to the real one, unless a test scripts it.
import { protoFolder } from '@flashsale/contracts/proto';
import { call, callStream, connectTo } from '@flashsale/rpc/client';
import { type Caller, RpcError, startRpcServer, status } from '@flashsale/rpc/server';
import { createRegistry } from '@flashsale/runtime/ops';
import type { ChannelCredentials, ServiceDefinition, ServiceError } from '@grpc/grpc-js';

/**
 * Makes the real call, with another request if one is given. A server-streaming call is answered with the array of all
 * its responses, when it has ended: to hold some of them back, forward a request for the others first.
 */
export type Forward = <Response = unknown>(request?: unknown) => Promise<Response>;
/** Responds in the neighbour's place; for a server-streaming call with an iterable, which may be asynchronous. */
export type Script = (request: never, forward: Forward) => unknown;
export type RpcProxy = Awaited<ReturnType<typeof proxyRpc>>;

interface Neighbour {
  service: ServiceDefinition;
  Client: new (address: string, credentials: ChannelCredentials) => { close(): void };
  protoFile: string;
  address: string;
}

export async function proxyRpc({ service, Client, protoFile, address }: Neighbour) {
  const client = connectTo(Client, address, { retries: 'never' });
  const methods = client as unknown as Record<string, never>;
  const scripts = new Map<string, Script | undefined>();
  const timeOf = ({ deadlineMs }: Caller) => ({ deadlineMs: deadlineMs - Date.now() });

  const unary = (method: string) => async (request: never, caller: Caller) => {
    const forward = ((changed = request) =>
      call(client, methods[method] as never, changed, timeOf(caller)).catch(failAlike)) as Forward;
    const script = scripts.get(method);
    return script ? script(request, forward) : forward();
  };

  const streaming = (method: string) =>
    async function* (request: never, caller: Caller) {
      const open = (changed: unknown = request) =>
        callStream(client, methods[method] as never, changed, timeOf(caller));
      const forward = ((changed) => collect(open(changed)).catch(failAlike)) as Forward;
      const script = scripts.get(method);
      try {
        yield* script ? ((await script(request, forward)) as AsyncIterable<unknown>) : open();
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
    registry: createRegistry('proxy'),
  });
  return {
    address: `127.0.0.1:${server.port}`,
    /** The script of a method from now on; undefined: straight through. */
    on: (method: string, script?: Script) => void scripts.set(method, script),
    async stop() {
      await server.stop();
      client.close();
    },
  };
}

async function collect(responses: AsyncIterable<unknown>): Promise<unknown[]> {
  const all = [];
  for await (const response of responses) all.push(response);
  return all;
}

/** Headers of HTTP/2's own, which come back among the trailers of a call that had no answer. */
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
