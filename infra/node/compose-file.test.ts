// The promises of docker-compose.yml and the Dockerfile, read from the files: no engine is needed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { IMAGE } from '../k6/k6.ts';
import { ROOT } from '../native/leftovers.ts';

interface Service {
  image?: string;
  build: { dockerfile: string; target: string; args?: { SERVICE: string } };
  user: string;
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  restart: string;
  profiles?: string[];
  ports?: string[];
  network_mode?: string;
  environment?: Record<string, string>;
  volumes?: (string | { source: string; target: string; read_only: boolean; volume: { subpath: string } })[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const text = read('docker-compose.yml');
const dockerfile = read('infra/node/Dockerfile');
const services: [string, Service][] = Object.entries(parse(text, { merge: true }).services);
/** The one-shot before the services, and the commands beside them. */
const ends = (name: string, { profiles }: Service) => name === 'secrets' || Boolean(profiles?.length);
const running = services.filter(([name, service]) => !ends(name, service));

const servers = ['postgres', 'rabbitmq', 'redis'];

test('there is a container for every service and server, the three commands and the load test', () => {
  const names = services.map(([name]) => name).toSorted();
  const own = ['gateway', 'orders', 'inventory', 'payment', 'bank', 'secrets', 'demo', 'audit', 'token'];
  assert.deepEqual(names, [...servers, ...own, 'buyers', 'k6'].toSorted());
  for (const [name, { build }] of running) {
    if (servers.includes(name)) assert.equal(build.target, name);
    else assert.deepEqual([build.target, build.args], ['service', { SERVICE: name }]);
  }
});

test('every image is built from a tag that names its version, which for k6 is the pinned one', () => {
  for (const [name, { build }] of services) assert.match(dockerfile, new RegExp(` AS ${build.target}$`, 'm'), name);
  const bases = [...dockerfile.matchAll(/^FROM (\S+:\S+)/gm)].map(([, image]) => image as string);
  assert.deepEqual(new Set(bases), new Set(['node:24-slim', 'postgres:17', 'redis:8', 'rabbitmq:4-management', IMAGE]));
});

test('a checkout under umask 077 is enough: no container mounts it, and every copy of it sets the mode', () => {
  for (const [name, { volumes = [] }] of services)
    for (const volume of volumes)
      assert.doesNotMatch(typeof volume === 'string' ? volume : volume.source, /^[./~]/, name);
  for (const [line] of dockerfile.matchAll(/^COPY .*/gm)) assert.match(line, /^COPY --(chmod=755|from=\S+) /);
});

test('the proxy of the machine is between no container and its neighbours', () => {
  const calling = services.filter(([name, { network_mode }]) => !servers.includes(name) && network_mode !== 'none');
  for (const [name, { environment = {} }] of calling)
    assert.deepEqual([environment.NO_PROXY, environment.no_proxy], ['*', '*'], name);
});

test('no container runs as root, writes to its root file system, keeps a capability or can get one', () => {
  for (const [name, service] of services) {
    assert.match(service.user, /^(node|postgres|redis|rabbitmq|k6)$/, name);
    assert.equal(service.read_only, true, name);
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
  }
  const stages = dockerfile.split(/^FROM .* AS /m).filter((stage) => /^(service|loadtest)\n/.test(stage));
  assert.equal(stages.length, 2);
  for (const stage of stages) assert.match(stage, /^USER node$/m);
});

test('every server and service restarts when it dies and has a health check', () => {
  for (const [name, { restart, healthcheck }] of running) {
    assert.equal(restart, 'unless-stopped', name);
    assert.ok(healthcheck?.test.length, name);
    if (!servers.includes(name)) assert.match(healthcheck.test.join(' '), /\/readyz/, name);
  }
});

test('every container starts after its secrets are there and its neighbours are healthy', () => {
  for (const [name, { depends_on = {} }] of running) {
    const { secrets, ...needed } = depends_on;
    assert.equal(secrets?.condition, 'service_completed_successfully', name);
    for (const { condition } of Object.values(needed)) assert.equal(condition, 'service_healthy', name);
  }
});

test('only the gateway is published, and on this machine alone', () => {
  for (const [name, { ports = [] }] of services) {
    assert.equal(ports.length, name === 'gateway' ? 1 : 0, name);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
  }
});

test('no secret stands in the files, and each container is given its own folder of them', () => {
  for (const [name, { environment = {}, volumes = [] }] of services) {
    const secretive = Object.keys(environment).filter((key) => /SECRET|PASS|KEY|TOKEN|_URL$/.test(key));
    for (const key of secretive) assert.match(environment[key] ?? '', /^(\/run\/secrets\/\w+|http:\/\/\w+:8080)$/, key);
    // k6 gets the address book that `buyers` writes, and no folder of secrets.
    if (name === 'secrets' || name === 'k6') continue;
    const given = volumes.flatMap((volume) => (typeof volume === 'string' ? [] : [volume]));
    assert.deepEqual(
      given.map(({ source, target, read_only, volume }) => [source, target, read_only, volume.subpath]),
      [['secrets', '/run/secrets', true, name]],
    );
  }
});

test('git keeps line feeds in every text file, so that scripts of any checkout start in a container', () => {
  const kept = execFileSync('git', ['check-attr', 'text', 'eol', '--', 'infra/postgres/create-databases.sh'], {
    cwd: ROOT,
  });
  assert.match(String(kept), /: text: auto\n.*: eol: lf\n/);
});

test('the Dockerfile needs no registry but the images it names', () => {
  assert.doesNotMatch(dockerfile, /^#\s*syntax\s*=/im);
  assert.doesNotMatch(dockerfile, /https?:|registry=/i);
});

/** The packages of ours that a file and the files that it imports import. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const imported = [...read(file).matchAll(/ from '([^']+)'/g)].map(([, from]) => from as string);
  return imported.flatMap((from) => {
    if (from.startsWith('.')) return packagesOf(join(dirname(file), from), seen);
    return from.startsWith('@flashsale/') ? [from.split('/')[1] as string] : [];
  });
}

test('the packages of ours that the commands import are in their image', () => {
  const mains = [
    'loadtest/demo/main.ts',
    'infra/audit/main.ts',
    'infra/buyers/token.ts',
    'infra/node/secrets.ts',
    'loadtest/course/write-address-book.ts',
  ];
  const stage = dockerfile.split(/^FROM .* AS /m).find((text) => text.startsWith('loadtest\n')) ?? '';
  const packages = new Set(mains.flatMap((main) => packagesOf(main)));
  assert.ok(packages.has('contracts'));
  for (const name of packages)
    assert.match(stage, new RegExp(`^COPY --chmod=755 services/${name} services/${name}$`, 'm'));
});
