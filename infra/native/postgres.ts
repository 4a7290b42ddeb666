// A private Postgres: initialised, started and reachable on 127.0.0.1 with a password.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, removeTemporaryData, TEMPORARY_DATA } from './leftovers.ts';
import { withPostgres } from './namespace.ts';
import { freePort } from './ports.ts';
import { described, startProcess, tail, untilReady } from './processes.ts';
import type { Server, StartServer } from './servers.ts';

type User = { uid: number; gid: number } | undefined;

export async function startPostgres({ dir, programs, signal, undo }: StartServer): Promise<Server> {
  const user = unprivileged();
  const home = makeHome(dir, user);
  undo.defer(() => removeTemporaryData(dir));
  const [password, port] = [randomUUID(), await freePort()];
  const how = { dir, env: { PATH: process.env.PATH, HOME: home }, cwd: '/', ...user };
  const pwfile = join(home, 'password');
  fs.writeFileSync(pwfile, password, { mode: 0o600 });
  if (user) fs.chownSync(pwfile, user.uid, user.gid);
  const data = join(home, 'data');
  const secured = ['-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', pwfile];
  // -N, not synced: should the machine go down within this second, there is nothing to lose yet.
  const args = ['-D', data, ...secured, '-E', 'UTF8', '--locale=C', '-N'];
  const initdb = startProcess({ ...how, name: 'initdb', command: programs.initdb, args });
  const exit = await initdb.exited;
  if (exit.code !== 0) throw new Error(`initdb ended ${described(exit)}\n${tail(initdb.logFile)}`);
  fs.rmSync(pwfile);
  const shared = fs.readFileSync(join(ROOT, 'infra/postgres/postgresql.conf'), 'utf8');
  const own = `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''\n`;
  fs.appendFileSync(join(data, 'postgresql.conf'), `\n${shared}\n${own}`);
  // SIGINT is the fast shutdown: SIGTERM would wait for every client to leave by itself.
  const start = { ...how, name: 'postgres', command: programs.postgres, args: ['-D', data] };
  const child = undo.use(startProcess({ ...start, killSignal: 'SIGINT' }));
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  await untilReady(child, () => withPostgres(url, ['SELECT 1']), { signal });
  return { url, port, pid: child.pid };
}

// Postgres refuses to run as root.
function unprivileged(): User {
  if (process.getuid?.() !== 0) return undefined;
  const name = spawnSync('id', ['-u', 'postgres']).status === 0 ? 'postgres' : 'nobody';
  const idOf = (what: string) => Number(execFileSync('id', [what, name], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

// In the run's directory, or behind a link from there where that user cannot get in (a clone under /root).
function makeHome(dir: string, user: User): string {
  const home = join(dir, 'postgres');
  const isOutside = user && spawnSync('test', ['-x', dir], { ...user, cwd: '/' }).status !== 0;
  const made = isOutside ? fs.mkdtempSync(join(tmpdir(), TEMPORARY_DATA)) : home;
  if (isOutside) fs.symlinkSync(made, home);
  else fs.mkdirSync(home, { mode: 0o700 });
  if (user) fs.chownSync(made, user.uid, user.gid);
  return made;
}
