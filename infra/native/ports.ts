// Free ports on 127.0.0.1 that neither an outgoing connection nor another stack starting at the same moment can take.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';

const HIGHEST = 31_000;

// A port of the ephemeral range may become the near end of some connection before the server binds it.
export function portRange(): { from: number; to: number } {
  const to = Math.min(HIGHEST, lowestEphemeral() - 1);
  return { from: to > 13_000 ? 12_000 : 2000, to };
}

function lowestEphemeral(): number {
  try {
    const [lowest = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
    if (lowest > 4000) return lowest;
  } catch {}
  return HIGHEST + 1;
}

export async function freePort(random = Math.random): Promise<number> {
  const { from, to } = portRange();
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = from + Math.floor(random() * (to - from + 1));
    if ((await reserve(port)) && (await isBindable(port))) return port;
  }
  throw new Error(`no free port found between ${from} and ${to}`);
}

export async function freePorts<const Name extends string>(names: Name[]): Promise<Record<Name, number>> {
  const ports = {} as Record<Name, number>;
  for (const name of names) ports[name] = await freePort();
  return ports;
}

async function isBindable(port: number): Promise<boolean> {
  const probe = await listen({ host: '127.0.0.1', port, exclusive: true });
  await probe?.[Symbol.asyncDispose]();
  return probe !== undefined;
}

const reserved = new Set<number>();

// RabbitMQ binds its port seconds after the choice, and another stack may choose meanwhile. An abstract socket named
// after the port says "taken" to every process in this network namespace, and vanishes with this process.
async function reserve(port: number): Promise<boolean> {
  if (reserved.has(port)) return false;
  reserved.add(port);
  if (process.platform !== 'linux') return true;
  const holder = await listen({ path: `\0flashsale-port-${port}` });
  return Boolean(holder?.unref());
}

async function listen(options: net.ListenOptions): Promise<net.Server | undefined> {
  const server = net.createServer((socket) => socket.destroy()).listen(options);
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}
