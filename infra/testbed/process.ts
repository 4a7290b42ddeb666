// A service as a process of its own, for tests: started, signalled, and killed when its owner has ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { ROOT } from '../native/leftovers.ts';
import { until } from '../until.ts';
import type { Owner } from './ending.ts';
import { asStrings, type Env, type ServiceName } from './services.ts';

export function spawnService(owner: Owner, service: ServiceName, env: Env) {
  const main = join(ROOT, 'services', service, 'src/main.ts');
  const child = spawn(process.execPath, [main], { env: asStrings(env), stdio: ['ignore', 'pipe', 'pipe'] });
  const exit: Promise<unknown[]> = once(child, 'exit');
  owner.after(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const logged: Record<string, unknown>[] = [];
  createInterface(child.stdout).on('line', (line) => logged.push(JSON.parse(line)));
  return {
    child,
    /** Its exit code and signal. */
    exit,
    stderr: text(child.stderr),
    /** Every line of its log so far. */
    logged,
    /** Its ports, as its log names them. */
    async listening() {
      const { http, rpc, ops } = await until('the process listens', () => logged.find(({ ops }) => ops));
      const readyz = async () => (await fetch(`http://127.0.0.1:${ops}/readyz`)).text();
      return {
        url: `http://127.0.0.1:${http}`,
        address: `127.0.0.1:${rpc}`,
        readyz,
        ready: (withinMs?: number) => until('it is ready', async () => (await readyz()) === 'ready\n', withinMs),
      };
    },
  };
}

/** Whether a connection to that host and port is refused. */
export async function refuses(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const socket = connect(Number(port), hostname);
  return once(socket, 'connect')
    .then(
      () => false,
      () => true,
    )
    .finally(() => socket.destroy());
}
