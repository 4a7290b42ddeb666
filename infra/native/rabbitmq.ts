// A private RabbitMQ with its management API, both on 127.0.0.1, and an epmd of its own.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { ROOT } from './leftovers.ts';
import { brokerListens } from './namespace.ts';
import { freePorts } from './ports.ts';
import { startProcess, untilReady } from './processes.ts';
import type { Server, StartServer } from './servers.ts';

type Ports = Record<'amqp' | 'management' | 'distribution' | 'epmd', number>;

export async function startRabbitmq({ dir, programs, signal, undo }: StartServer): Promise<Server> {
  const home = join(dir, 'rabbitmq');
  const ports = await freePorts(['amqp', 'management', 'distribution', 'epmd']);
  const credentials = `flashsale:${writeFiles(home, ports)}`;
  const { PATH } = process.env;
  const env = { PATH, HOME: home, ERL_EPMD_ADDRESS: '127.0.0.1', ERL_EPMD_PORT: String(ports.epmd) };
  // Clients are sent away and queues closed at once; then 3.10's management takes 5 s over statistics of no use here.
  const how = { dir, args: [], forceKillAfterDelay: 2000 };
  // Erlang would start an epmd itself, as a daemon that is never stopped, if it found none.
  const epmd = undo.use(startProcess({ ...how, name: 'epmd', command: programs.epmd, env, last: true }));
  await untilReady(epmd, () => accepts(ports.epmd), { everyMs: 10, signal });
  const command = { name: 'rabbitmq', command: programs.rabbitmq };
  const server = undo.use(startProcess({ ...how, ...command, env: { ...env, ...settings(home, ports) } }));
  const managementUrl = `http://${credentials}@127.0.0.1:${ports.management}`;
  await untilReady(server, () => brokerListens(managementUrl, ports.amqp), { everyMs: 100, signal });
  const url = `amqp://${credentials}@127.0.0.1:${ports.amqp}`;
  return { url, managementUrl, port: ports.amqp, pid: server.pid };
}

/** The password that they hold. */
function writeFiles(home: string, ports: Ports): string {
  const password = randomUUID();
  fs.mkdirSync(home, { mode: 0o700 });
  const shared = fs.readFileSync(join(ROOT, 'infra/rabbitmq/rabbitmq.conf'), 'utf8');
  const own = `default_user = flashsale
default_pass = ${password}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${ports.management}
`;
  fs.writeFileSync(join(home, 'rabbitmq.conf'), `${shared}\n${own}`, { mode: 0o600 });
  fs.writeFileSync(join(home, 'enabled_plugins'), '[rabbitmq_management].\n');
  fs.writeFileSync(join(home, '.erlang.cookie'), randomUUID(), { mode: 0o400 });
  return password;
}

const settings = (home: string, ports: Ports) => ({
  // The start script then becomes the broker instead of staying as its parent: the recorded pid is the broker's.
  RUNNING_UNDER_SYSTEMD: 'true',
  RABBITMQ_NODENAME: `flashsale-${ports.amqp}@localhost`,
  RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
  RABBITMQ_NODE_PORT: String(ports.amqp),
  RABBITMQ_DIST_PORT: String(ports.distribution),
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  // Without a little busy waiting the start takes 13-18 s instead of 6-8 on a small virtual machine, where waking a
  // sleeping thread is expensive; an idle broker pays 1 % of a core for it.
  RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD: 'short',
  RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
  RABBITMQ_LOG_BASE: join(home, 'log'),
  RABBITMQ_CONF_ENV_FILE: '/dev/null',
  RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
  RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
  RABBITMQ_PID_FILE: join(home, 'pid'),
  RABBITMQ_LOG: '-color',
  ERL_CRASH_DUMP: '/dev/null',
});

async function accepts(port: number): Promise<void> {
  const socket = net.connect({ host: '127.0.0.1', port });
  await once(socket, 'connect').finally(() => socket.destroy());
}
