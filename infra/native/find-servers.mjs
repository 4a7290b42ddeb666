// Where this machine keeps the three servers' programs, if it has them. Plain JS: the launcher asks before Node 24 is there.
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const HOMEBREW = ['/opt/homebrew/opt', '/usr/local/opt', '/home/linuxbrew/.linuxbrew/opt'];

/** @returns {{ postgres?: string, initdb?: string, pgbench?: string, redis?: string, rabbitmq?: string, epmd?: string }} */
export function findServers() {
  const postgresBin = firstWith(postgresFolders(), ['postgres', 'initdb']);
  return {
    postgres: postgresBin && join(postgresBin, 'postgres'),
    initdb: postgresBin && join(postgresBin, 'initdb'),
    pgbench: first([...(postgresBin ? [postgresBin] : []), ...path()], 'pgbench'),
    redis: first(path(), 'redis-server') ?? first(path(), 'valkey-server'),
    rabbitmq: realRabbitmq(),
    epmd: first(
      [...path(), '/usr/lib/erlang/bin', '/usr/lib64/erlang/bin', ...HOMEBREW.map((opt) => `${opt}/erlang/bin`)],
      'epmd',
    ),
  };
}

/** @returns {string[]} the packages' names of Debian for what is not there */
export function missingServers() {
  const found = findServers();
  return [
    ...(found.postgres ? [] : ['postgresql']),
    ...(found.redis ? [] : ['redis-server']),
    ...(found.rabbitmq && found.epmd ? [] : ['rabbitmq-server']),
  ];
}

// Debian's wrapper in /usr/sbin insists on root or the rabbitmq user and on the system's own configuration.
function realRabbitmq() {
  const folders = [
    '/usr/lib/rabbitmq/bin',
    ...versions('/usr/lib/rabbitmq/lib', 'rabbitmq_server-').map((dir) => join(dir, 'sbin')),
    ...HOMEBREW.map((opt) => `${opt}/rabbitmq/sbin`),
    ...path(),
  ];
  const found = first(folders, 'rabbitmq-server');
  return found && realpathSync(found);
}

function postgresFolders() {
  return [
    ...versions('/usr/lib/postgresql').map((dir) => join(dir, 'bin')),
    ...HOMEBREW.flatMap((opt) => versions(opt, 'postgresql').map((dir) => join(dir, 'bin'))),
    ...versions('/usr', 'pgsql-').map((dir) => join(dir, 'bin')),
    ...versions('/usr/libexec', 'postgresql'),
    ...path(),
  ];
}

/** Folders of `parent` that begin with `prefix`, the newest version first. */
function versions(parent, prefix = '') {
  try {
    const names = readdirSync(parent).filter((name) => name.startsWith(prefix));
    return names.sort((a, b) => b.localeCompare(a, undefined, { numeric: true })).map((name) => join(parent, name));
  } catch {
    return [];
  }
}

const path = () => (process.env.PATH ?? '').split(delimiter).filter(Boolean);
const first = (folders, program) => folders.map((folder) => join(folder, program)).find(executable);
const firstWith = (folders, programs) =>
  folders.find((folder) => programs.every((one) => executable(join(folder, one))));

function executable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
