// Free ports on 127.0.0.1 that neither an outgoing connection nor another stack starting at the same moment can take.
import { readFileSync } from 'node:fs';
import net from 'node:net';

const LOWEST = 12_000;
const HIGHEST = 31_000;
const EPHEMERAL_RANGE = '/proc/sys/net/ipv4/ip_local_port_range';

// A port of the ephemeral range may become the near end of some connection between our asking and the server's binding.
export function portRange(): { from: number; to: number } {
  try {
    const [lowestEphemeral = HIGHEST] = readFileSync(EPHEMERAL_RANGE, 'utf8').trim().split(/\s+/).map(Number);
    if (lowestEphemeral > LOWEST + 1000) return { from: LOWEST, to: Math.min(HIGHEST, lowestEphemeral - 1) };
    if (lowestEphemeral > 4000) return { from: 2000, to: lowestEphemeral - 1 };
  } catch {}
  return { from: LOWEST, to: HIGHEST };
}

export async function freePort(random = Math.random): Promise<number> {
  const { from, to } = portRange();
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = from + Math.floor(random() * (to - from + 1));
    if ((await reserve(port)) && (await bindable(port))) return port;
  }
  throw new Error(`no free port found between ${from} and ${to}`);
}

export async function freePorts<const Name extends string>(names: Name[]): Promise<Record<Name, number>> {
  const ports = {} as Record<Name, number>;
  for (const name of names) ports[name] = await freePort();
  return ports;
}

async function bindable(port: number): Promise<boolean> {
  const probe = await listen({ host: '127.0.0.1', port, exclusive: true });
  if (!probe) return false;
  await new Promise((closed) => probe.close(closed));
  return true;
}

const reserved = new Set<number>();

// RabbitMQ binds seconds after we chose its port, and another stack may choose meanwhile. An abstract socket named
// after the port says "taken" to everybody in this network namespace, and vanishes with this process.
async function reserve(port: number): Promise<boolean> {
  if (reserved.has(port)) return false;
  if (process.platform === 'linux') {
    const holder = await listen({ path: `\0flashsale-port-${port}` });
    if (!holder) return false;
    holder.unref();
  }
  reserved.add(port);
  return true;
}

function listen(options: net.ListenOptions): Promise<net.Server | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen(options, () => resolve(server));
  });
}
