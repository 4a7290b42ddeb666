// A service with a unary and a server-streaming method, its server as a test wants it, and clients of it.
import { dirname } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type Metadata,
  makeGenericClientConstructor,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Registry } from '@prometheus-io/client';
import { call, callStream, connectTo } from '../src/client.ts';
import type { Caller } from '../src/handlers.ts';
import { startRpcServer } from '../src/server.ts';

const protoFile = 'echo.proto';
const protoFolder = dirname(fileURLToPath(import.meta.url));
export const NAME = 'rpctest.v1.EchoService';
const loaded = loadSync(protoFile, { includeDirs: [protoFolder] })[NAME] as ServiceDefinition;
/** Under the names that generated code has. */
export const service: ServiceDefinition = Object.fromEntries(
  Object.values(loaded).map((method) => [method.originalName, method]),
);

interface Words {
  text: string;
}

type Say = (
  request: Words,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Words) => void,
) => ClientUnaryCall;

type Repeat = (request: Words, metadata: Metadata, options: Partial<CallOptions>) => ClientReadableStream<Words>;

interface EchoClient {
  say: Say;
  repeat: Repeat;
  close(): void;
}

const EchoClient = makeGenericClientConstructor(service, NAME) as unknown as (new (
  ...args: ConstructorParameters<ReturnType<typeof makeGenericClientConstructor>>
) => EchoClient) & { service: ServiceDefinition };

type SayHandler = (request: Words, caller: Caller) => Promise<Words>;
export type RepeatHandler = (request: Words, caller: Caller) => AsyncIterable<Words>;

export const startEcho = (t: TestContext, say: SayHandler = async (request) => request, port = 0, host = '127.0.0.1') =>
  start(t, { say }, port, host);
export const startRepeating = (t: TestContext, repeat: RepeatHandler) => start(t, { repeat }, 0, '127.0.0.1');

async function start(t: TestContext, handlers: object, port: number, host: string) {
  const errors: object[] = [];
  const registry = new Registry();
  const server = await startRpcServer({
    host,
    port,
    service,
    handlers: handlers as never,
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

export function connect(
  t: TestContext,
  address: string,
  retries: 'idempotent' | 'never',
  renewMs?: number,
  registry = new Registry(),
) {
  const client = connectTo(EchoClient, address, { retries, registry, ...(renewMs && { renewMs }) });
  t.after(() => client.close());
  return {
    client,
    registry,
    say: async (text: string, deadlineMs = 30_000) => (await call(client, client.say, { text }, { deadlineMs })).text,
    async *repeat(text: string, deadlineMs = 30_000) {
      for await (const words of callStream(client, client.repeat, { text }, { deadlineMs })) yield words.text;
    },
  };
}
