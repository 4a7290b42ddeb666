// The whole system on this machine: three private servers and five services, each process of which is supervised.
import fs from 'node:fs';
import { join } from 'node:path';
import {
  type AddressBook,
  type AtLeastOne,
  type Replica,
  SERVICES,
  type ServiceName,
  writeAddressBook,
} from '../address-book/address-book.ts';
import { type ByService, environmentOf, forEachService, layOut, portOf } from './addresses.ts';
import { identityOf, isAlive, ROOT } from './leftovers.ts';
import type { Replicas } from './replicas.ts';
import { type ServerName, type Servers, startServers } from './servers.ts';
import { unlessEnded } from './signals.ts';
import { type Service, type ServiceEvent, supervise } from './supervisor.ts';

type OnEvent = (event: ServiceEvent) => void;
type Settings = Partial<ByService<Record<string, string>>>;
export type Stack = AddressBook & { services: ByService<AtLeastOne<Service>>; stop(): Promise<void> };
type StartStack = {
  dir: string;
  settings?: Settings;
  /** One of each that is not named. */
  replicas?: Partial<Replicas>;
  onEvent?: OnEvent | undefined;
  /** A server ended. It is not started again: what was in it is gone. */
  onLost?: (server: ServerName) => void;
  log?: (line: string) => void;
  /** Leave logs and data where they are after stop(). */
  keep?: boolean;
  /** Gives up starting; whatever was started is stopped. */
  signal?: AbortSignal;
};

const WATCH_EVERY_MS = 500;

export async function startStack(options: StartStack): Promise<Stack> {
  const { dir, settings = {}, replicas = {}, onEvent, onLost = () => {}, log = () => {}, keep = false } = options;
  const { signal = new AbortController().signal } = options;
  await using undo = new AsyncDisposableStack();
  const servers = await startServers({ dir, log, signal, undo, keep });
  undo.defer(watch(servers, onLost));
  const info = await layOut(dir, servers, replicas);
  fs.mkdirSync(join(dir, 'bank'));
  const start = (name: ServiceName) => (replica: Replica) => startService(info, name, settings[name], onEvent, replica);
  const services = forEachService((name) => info.replicas[name].map(start(name)) as AtLeastOne<Service>);
  // Stopped from the gateway: a caller goes before those it calls.
  for (const name of SERVICES)
    undo.defer(async () => void (await Promise.all(services[name].map(({ stop }) => stop()))));
  await unlessEnded(signal, Promise.all(SERVICES.flatMap((name) => services[name].map(({ ready }) => ready()))));
  const started = undo.move();
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= started.disposeAsync().catch((error) => log(`while stopping: ${error}`)));
  return { ...info, services, stop };
}

/** Returns how to stop watching. */
function watch(servers: Servers, onLost: (server: ServerName) => void): () => void {
  const names = ['postgres', 'redis', 'rabbitmq'] as const;
  const alive = new Map(names.map((name) => [name, identityOf(servers[name].pid)]));
  const timer = setInterval(() => {
    for (const [name, server] of alive) if (!isAlive(server) && alive.delete(name)) onLost(name);
  }, WATCH_EVERY_MS);
  return () => clearInterval(timer);
}

/** One process of a service, with the addresses and secrets of its stack, which keeps its pid. */
export function startService(
  stack: AddressBook,
  service: ServiceName,
  settings = {},
  onEvent?: OnEvent,
  replica = stack.replicas[service][0],
): Service {
  const { name, ops } = replica;
  const remember = (event: ServiceEvent) => {
    if (event.event === 'started' && event.pid) {
      stack.pids[name] = event.pid;
      writeAddressBook(stack);
    }
    onEvent?.(event);
  };
  const file = join(ROOT, 'services', service, 'src/main.ts');
  const env = { ...environmentOf(stack, service, replica), ...settings };
  return supervise({ dir: stack.dir, name, file, env, opsPort: portOf(ops), onEvent: remember });
}
