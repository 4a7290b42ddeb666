// Where this machine keeps the programs of the three servers, if it has them and they are new enough.
import { spawnSync } from 'node:child_process';
import { globSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

export type Programs = Record<'postgres' | 'initdb' | 'pgbench' | 'redis' | 'rabbitmq' | 'epmd', string>;
type Found = Partial<Programs> & {
  /** Debian's names of the packages for what is not there at all. */
  missing: string[];
  /** A sentence for each server that is there, but only too old. */
  tooOld: string[];
};

const HOMEBREW = '{/opt/homebrew,/usr/local,/home/linuxbrew/.linuxbrew}/opt';
const POSTGRES = ['/usr/lib/postgresql/*/bin', `${HOMEBREW}/postgresql*/bin`, '/usr/{pgsql-*/bin,libexec/postgresql*}'];
const RABBITMQ = ['/usr/lib/rabbitmq/bin', '/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin', `${HOMEBREW}/rabbitmq/sbin`];
const ERLANG = ['/usr/lib/erlang/bin', '/usr/lib64/erlang/bin', `${HOMEBREW}/erlang/bin`];

/** In the usual folders of this system, then on the PATH. */
export function findServers(
  usual = { postgres: POSTGRES, rabbitmq: RABBITMQ, erlang: ERLANG },
  PATH = process.env.PATH ?? '',
): Found {
  const path = PATH.split(delimiter).filter(Boolean);
  const files = (name: string, folders: string[] = []) =>
    [...folders, ...path].flatMap((folder) => globSync(join(folder, name)).toSorted((a, b) => compareVersions(b, a)));
  const [missing, tooOld] = [[] as string[], [] as string[]];
  const choose = (debian: string, found: string[], oldest: string, versionOf = versionSaid) => {
    const file = found.find((one) => !isOlder(versionOf(one), oldest));
    const [first] = found;
    if (!first) missing.push(debian);
    else if (!file) tooOld.push(`${describe(first, versionOf(first))} is too old: ${oldest} or newer is needed`);
    return file;
  };
  const postgreses = files('initdb', usual.postgres).map((initdb) => join(dirname(initdb), 'postgres'));
  const rabbitmqs = files('rabbitmq-server', usual.rabbitmq)
    .map((file) => realpathSync(file))
    .filter(versionOfRabbitmq);
  const [epmd] = files('epmd', usual.erlang);
  const postgres = choose('postgresql', postgreses, '14');
  const redis = choose('redis-server', [...files('redis-server'), ...files('valkey-server')], '7');
  const rabbitmq = choose('rabbitmq-server', epmd ? rabbitmqs : [], '3.10', versionOfRabbitmq);
  const beside = (program: string) => postgres && join(dirname(postgres), program);
  const programs = { postgres, initdb: beside('initdb'), pgbench: beside('pgbench'), redis, rabbitmq, epmd };
  return { ...programs, missing, tooOld } as Found;
}

const compareVersions = (one: string, other: string) => one.localeCompare(other, 'en', { numeric: true });
const isOlder = (version: string | undefined, oldest: string) =>
  version !== undefined && compareVersions(version, oldest) < 0;
const versionIn = (text: string) => /\d+(\.\d+)*/.exec(text)?.[0];

const versionSaid = (file: string) => versionIn(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout ?? '');

// By the names of its plugins: the broker's own --version starts an Erlang machine for seconds. Undefined for Debian's
// wrapper in /usr/sbin, which insists on root or the rabbitmq user and on the system's own configuration.
function versionOfRabbitmq(file: string): string | undefined {
  const [plugin = ''] = globSync(join(dirname(file), '../plugins/rabbit-[0-9]*'));
  return versionIn(basename(plugin));
}

const describe = (file: string, version = '') => `${basename(file)} ${version} in ${dirname(file)}`;
