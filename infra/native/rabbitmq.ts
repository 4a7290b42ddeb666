// A private RabbitMQ with its management API, both on 127.0.0.1, and an epmd of its own.
import fs from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { findServers } from './find-servers.mjs';
import { ROOT } from './leftovers.ts';
import { freePorts } from './ports.ts';
import { type Child, startProcess, untilReady } from './processes.ts';
import { managementApi } from './rabbit-management.ts';
import { newSecret, programOf, type Server, type StartServer } from './server.ts';

type Ports = Record<'amqp' | 'management' | 'distribution' | 'epmd', number>;
const USER = 'flashsale';

export async function startRabbitmq({ dir, signal }: StartServer): Promise<Server & { managementUrl: string }> {
  const home = join(dir, 'rabbitmq');
  const password = newSecret();
  const ports = await freePorts(['amqp', 'management', 'distribution', 'epmd']);
  writeFiles(home, ports, password);
  const epmd = startEpmd(dir, home, ports);
  const started: Child[] = [epmd];
  const stop = async () => {
    // Clients are sent away and queues closed at once; then 3.10's management takes 5 s over statistics nobody needs.
    for (const child of started.toReversed()) await child.stop(2000);
  };
  const managementUrl = `http://${USER}:${password}@127.0.0.1:${ports.management}`;
  try {
    // Erlang would start an epmd itself, as a daemon that nobody stops, if it found none.
    await untilReady(epmd, () => accepts(ports.epmd), { everyMs: 10, signal });
    const server = startServer(dir, home, ports);
    started.push(server);
    await untilReady(server, () => rabbitmqListens(managementUrl, ports.amqp), { everyMs: 100, signal });
    return {
      url: `amqp://${USER}:${password}@127.0.0.1:${ports.amqp}`,
      managementUrl,
      port: ports.amqp,
      pid: server.pid,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function writeFiles(home: string, ports: Ports, password: string): void {
  fs.mkdirSync(home, { mode: 0o700 });
  const shared = fs.readFileSync(join(ROOT, 'infra/rabbitmq/rabbitmq.conf'), 'utf8');
  const own = [
    `default_user = ${USER}`,
    `default_pass = ${password}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${ports.management}`,
  ];
  fs.writeFileSync(join(home, 'rabbitmq.conf'), `${shared}\n${own.join('\n')}\n`, { mode: 0o600 });
  fs.writeFileSync(join(home, 'enabled_plugins'), '[rabbitmq_management].\n');
  fs.writeFileSync(join(home, '.erlang.cookie'), newSecret(), { mode: 0o400 });
}

function startEpmd(dir: string, home: string, ports: Ports): Child {
  const command = programOf(findServers().epmd, 'epmd');
  return startProcess({ dir, name: 'epmd', command, args: [], env: erlangEnv(home, ports), last: true });
}

function startServer(dir: string, home: string, ports: Ports): Child {
  const env = {
    ...erlangEnv(home, ports),
    // The start script then becomes the broker instead of staying as its parent: the pid we know is the broker's.
    RUNNING_UNDER_SYSTEMD: 'true',
    RABBITMQ_NODENAME: `flashsale-${ports.amqp}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    // Without a little busy waiting the start takes 13-18 s instead of 6-8 on a small virtual machine, where waking a
    // sleeping thread is dear; an idle broker pays 1 % of a core for it.
    RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD: 'short',
    RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    RABBITMQ_PID_FILE: join(home, 'pid'),
    RABBITMQ_LOG: '-color',
    ERL_CRASH_DUMP: '/dev/null',
  };
  return startProcess({
    dir,
    name: 'rabbitmq',
    command: programOf(findServers().rabbitmq, 'rabbitmq-server'),
    args: [],
    env,
  });
}

function erlangEnv(home: string, ports: Ports): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: home, ERL_EPMD_ADDRESS: '127.0.0.1', ERL_EPMD_PORT: String(ports.epmd) };
}

export async function rabbitmqListens(managementUrl: string, amqpPort: number): Promise<void> {
  const ask = managementApi(managementUrl);
  await ask('GET', `health/checks/port-listener/${amqpPort}`, undefined, AbortSignal.timeout(2000));
}

function accepts(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}
