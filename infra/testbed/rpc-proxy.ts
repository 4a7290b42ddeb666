// A service's neighbour, scripted at the wire: each call is forwarded to the real one, unless a test scripts it.
import { protoFolder } from '@flashsale/contracts/proto';
import { call, connectTo } from '@flashsale/rpc/client';
import { RpcError, startRpcServer, status } from '@flashsale/rpc/server';
import { createRegistry } from '@flashsale/runtime/ops';
import type { ChannelCredentials, ServiceDefinition } from '@grpc/grpc-js';

/** Responds in the neighbour's place; `forward` makes the real call. */
export type Script = (request: never, forward: () => Promise<unknown>) => Promise<unknown>;
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

  const handlerOf = (method: string) => async (request: never, caller: { deadlineMs: number }) => {
    const forward = () =>
      call(client, methods[method] as never, request, { deadlineMs: caller.deadlineMs - Date.now() }).catch((error) => {
        throw new RpcError(error.code ?? status.UNKNOWN, error.details ?? String(error));
      });
    const script = scripts.get(method);
    return script ? script(request, forward) : forward();
  };

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
