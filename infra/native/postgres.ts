// A private Postgres: initialised, started and reachable on 127.0.0.1 with a password.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findServers } from './find-servers.mjs';
import { ROOT, removeTemporaryData, TEMPORARY_DATA } from './leftovers.ts';
import { freePort } from './ports.ts';
import { type Child, described, startProcess, tail, untilReady } from './processes.ts';
import { newSecret, programOf, type Server, type StartServer } from './server.ts';

type User = { uid: number; gid: number };

export async function startPostgres({ dir, signal }: StartServer): Promise<Server> {
  const user = unprivileged();
  const home = makeHome(dir, user);
  const [password, port] = [newSecret(), await freePort()];
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  let child: Child | undefined;
  const stop = async () => {
    await child?.stop();
    removeTemporaryData(dir);
  };
  try {
    await initialise({ dir, home, password, user });
    fs.appendFileSync(join(home, 'data/postgresql.conf'), settings(port));
    child = startServer(dir, home, user);
    await untilReady(child, () => postgresAnswers(url), { signal });
    return { url, port, pid: child.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startServer(dir: string, home: string, user: User | undefined): Child {
  return startProcess({
    dir,
    name: 'postgres',
    command: programOf(findServers().postgres, 'postgres'),
    args: ['-D', join(home, 'data')],
    env: { PATH: process.env.PATH, HOME: home },
    cwd: '/',
    user,
    // Fast shutdown: SIGTERM would wait for every client to leave by itself.
    stopSignal: 'SIGINT',
  });
}

// Postgres refuses to run as root.
function unprivileged(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const name = spawnSync('id', ['-u', 'postgres']).status === 0 ? 'postgres' : 'nobody';
  const ask = (what: string) => Number(execFileSync('id', [what, name], { encoding: 'utf8' }));
  return { uid: ask('-u'), gid: ask('-g') };
}

// In the run's directory, or behind a link from there when the user that must not be root cannot get in (a clone under /root).
function makeHome(dir: string, user: User | undefined): string {
  const home = join(dir, 'postgres');
  if (!user || spawnSync('test', ['-x', dir], { ...user, cwd: '/' }).status === 0) {
    fs.mkdirSync(home, { mode: 0o700 });
    if (user) fs.chownSync(home, user.uid, user.gid);
    return home;
  }
  const outside = fs.mkdtempSync(join(tmpdir(), TEMPORARY_DATA));
  fs.symlinkSync(outside, home);
  fs.chownSync(outside, user.uid, user.gid);
  return outside;
}

type Initialise = { dir: string; home: string; password: string; user: User | undefined };

async function initialise({ dir, home, password, user }: Initialise): Promise<void> {
  const pwfile = join(home, 'password');
  fs.writeFileSync(pwfile, password, { mode: 0o600 });
  if (user) fs.chownSync(pwfile, user.uid, user.gid);
  const command = programOf(findServers().initdb, 'initdb');
  const secured = ['-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', pwfile];
  // -N, not synced: should the machine go down within this second, there is nothing to lose yet.
  const args = ['-D', join(home, 'data'), ...secured, '-E', 'UTF8', '--locale=C', '-N'];
  const env = { PATH: process.env.PATH, HOME: home };
  const initdb = startProcess({ dir, name: 'initdb', command, args, env, cwd: '/', user });
  const exit = await initdb.exited;
  if (exit.code !== 0) throw new Error(`initdb ended ${described(exit)}\n${tail(initdb.logFile)}`);
  fs.rmSync(pwfile);
}

function settings(port: number): string {
  const shared = fs.readFileSync(join(ROOT, 'infra/postgres/postgresql.conf'), 'utf8');
  return `\n${shared}\nlisten_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''\n`;
}

export async function postgresAnswers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}
