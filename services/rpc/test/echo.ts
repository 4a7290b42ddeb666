// A service with one method, its server as a test wants it, and clients of it.
import { dirname } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type CallOptions,
  type ClientUnaryCall,
  type Metadata,
  makeGenericClientConstructor,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Registry } from '@prometheus-io/client';
import { call, connectTo } from '../src/client.ts';
import { type Caller, startRpcServer } from '../src/server.ts';

const protoFile = 'echo.proto';
const protoFolder = dirname(fileURLToPath(import.meta.url));
export const NAME = 'rpctest.v1.EchoService';
export const service = loadSync(protoFile, { includeDirs: [protoFolder] })[NAME] as ServiceDefinition;

interface Words {
  text: string;
}

type Say = (
  request: Words,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Words) => void,
) => ClientUnaryCall;

interface EchoClient {
  say: Say;
  close(): void;
}

const EchoClient = makeGenericClientConstructor(service, NAME) as unknown as new (
  ...args: ConstructorParameters<ReturnType<typeof makeGenericClientConstructor>>
) => EchoClient;

export async function startEcho(
  t: TestContext,
  say: (request: Words, caller: Caller) => Promise<Words> = async (request) => request,
  port = 0,
  host = '127.0.0.1',
) {
  const errors: object[] = [];
  const registry = new Registry();
  const server = await startRpcServer({
    host,
    port,
    service,
    handlers: { say: say as never },
    protoFolder,
    protoFile,
    log: { error: (fields) => errors.push(fields) },
    registry,
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= server.stop();
    return stopped;
  };
  t.after(stop);
  return { address: `${host}:${server.port}`, port: server.port, stop, errors, registry };
}

export function connect(t: TestContext, address: string, retries: 'idempotent' | 'never') {
  const client = connectTo(EchoClient, address, { retries });
  t.after(() => client.close());
  return {
    client,
    say: async (text: string, deadlineMs = 30_000) => (await call(client, client.say, { text }, { deadlineMs })).text,
  };
}
