// A service's neighbour, scripted at the wire: every call goes through to the real one, unless a test says otherwise.

import { protoFolder } from '@flashsale/contracts/proto';
import { call, connectTo } from '@flashsale/rpc/client';
import { RpcError, startRpcServer, status } from '@flashsale/rpc/server';
import { createRegistry } from '@flashsale/runtime/ops';
import type { ChannelCredentials, ServiceDefinition } from '@grpc/grpc-js';

type Forward = () => Promise<unknown>;
/** Answers in the neighbour's place; `forward` makes the real call. */
export type Script = (request: never, forward: Forward) => Promise<unknown>;

export interface RpcProxy {
  address: string;
  /** The script that a method follows from now on; undefined: straight through. */
  on(method: string, script?: Script): void;
  stop(): Promise<void>;
}

interface Client {
  close(): void;
}

export async function proxyRpc(options: {
  service: ServiceDefinition;
  Client: new (address: string, credentials: ChannelCredentials) => Client;
  protoFile: string;
  address: string;
}): Promise<RpcProxy> {
  const client = connectTo(options.Client, options.address, { retries: 'never' });
  const scripts = new Map<string, Script>();
  const handlers = Object.fromEntries(
    Object.keys(options.service).map((method) => [
      method,
      async (request: never, caller: { deadlineMs: number }) => {
        const forward: Forward = () =>
          call(client, (client as unknown as Record<string, never>)[method] as never, request, {
            deadlineMs: caller.deadlineMs - Date.now(),
          }).catch((error) => {
            throw new RpcError(error.code ?? status.UNKNOWN, error.details ?? String(error));
          });
        return (scripts.get(method) ?? ((_request, through) => through()))(request, forward);
      },
    ]),
  );
  const server = await startRpcServer({
    host: '127.0.0.1',
    port: 0,
    service: options.service,
    handlers,
    protoFolder,
    protoFile: options.protoFile,
    log: { error: () => undefined },
    registry: createRegistry('proxy'),
  });
  return {
    address: `127.0.0.1:${server.port}`,
    on(method, script) {
      if (script) scripts.set(method, script);
      else scripts.delete(method);
    },
    async stop() {
      await server.stop();
      client.close();
    },
  };
}
