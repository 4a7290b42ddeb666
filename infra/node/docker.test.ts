// docker-compose.yml for real, in a project of its own: the README's commands and a process that dies, all in a clone
// made under umask 077 with core.autocrlf=true, behind a proxy that does not answer.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { execa, type Options } from 'execa';
import { IMAGE } from '../k6/k6.ts';
import { ROOT } from '../native/leftovers.ts';
import { until } from '../until.ts';
import { ownProject, removeLeftovers, removeProject, whyNoDocker } from './engine.ts';

const skip = await whyNoDocker();
const project = process.env.COMPOSE_PROJECT_NAME ?? ownProject();
const scratch = mkdtempSync(join(tmpdir(), 'flashsale docker-'));
const tree = join(scratch, 'tree');
const DEAD_PROXY = 'http://127.0.0.1:9';
const own = { COMPOSE_PROJECT_NAME: project, GATEWAY_PORTS: '0' };
const env = { ...own, DOCKER_CONFIG: join(scratch, 'docker') };

/** By git itself, so that .gitattributes count; an index of its own takes in what is not committed. */
async function checkOut(): Promise<void> {
  const umask = process.umask(0o077);
  const git = { cwd: ROOT, env: { GIT_INDEX_FILE: join(scratch, 'index') } };
  await run('git add --all', git);
  await run(`git -c core.autocrlf=true checkout-index --all --prefix='${tree}/'`, git);
  process.umask(umask);
}

/** The caller's Docker configuration (contexts, plugins, credentials) with a proxy for every container. */
function writeDockerConfig(): void {
  const callers = process.env.DOCKER_CONFIG ?? join(homedir(), '.docker');
  mkdirSync(env.DOCKER_CONFIG);
  for (const name of existsSync(callers) ? readdirSync(callers) : [])
    if (name !== 'config.json') symlinkSync(join(callers, name), join(env.DOCKER_CONFIG, name));
  const file = join(callers, 'config.json');
  const config = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const proxies = { default: { httpProxy: DEAD_PROXY, httpsProxy: DEAD_PROXY, noProxy: 'localhost' } };
  writeFileSync(join(env.DOCKER_CONFIG, 'config.json'), JSON.stringify({ ...config, proxies }));
}

const start = (command: string, options: Options = {}) =>
  execa(`exec ${command}`, { shell: true, all: true, cwd: tree, env, timeout: 120_000, reject: false, ...options });

async function run(command: string, options?: Options): Promise<string> {
  const { exitCode, all } = await start(command, options);
  assert.equal(exitCode, 0, `${command}\n${all?.slice(-4_000)}`);
  return String(all).trim();
}

interface Container {
  Name: string;
  RestartCount: number;
  State: { ExitCode: number; Health?: { Status: string } };
  Config: { User: string; Env: string[] };
  HostConfig: { ReadonlyRootfs: boolean; CapDrop: string[] };
}

const AUDIT = 'docker compose run --rm audit';
const DEMO = 'docker compose run --rm demo';
const AT_REST = /At rest .*: (\d+) of \1 checks hold/;
const idsOf = async (service = '') => (await run(`docker compose ps -aq ${service}`)).split('\n');
const inspect = async (ids: string[]): Promise<Container[]> => JSON.parse(await run(`docker inspect ${ids.join(' ')}`));
const inside = (id: string, script: string) => run(`docker exec ${id} node -e "${script}"`);

/** The sum of a counter's values, for each container of a service. */
async function counted(service: string, start: string): Promise<number[]> {
  const ids = await idsOf(service);
  const pages = ids.map((id) =>
    inside(id, `fetch('http://127.0.0.1:9090/metrics').then((r) => r.text()).then(console.log)`),
  );
  return (await Promise.all(pages)).map((page) => {
    const lines = page.split('\n').filter((line) => line.startsWith(start));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  });
}

before(async () => {
  if (skip) return;
  await removeLeftovers();
  await checkOut();
  writeDockerConfig();
});
after(async () => {
  if (!skip) await removeProject(project);
  rmSync(scratch, { recursive: true });
});

test('docker compose up --wait: everything is built, starts and is healthy', { skip }, async () => {
  // Apart, with the machine's own configuration: an installation needs the proxy that is really there.
  await run('docker compose build', { env: own, timeout: 240_000 });
  await run('docker compose up --wait', { timeout: 240_000 });
  const containers = await inspect(await idsOf());
  assert.equal(containers.length, 9);
  for (const { Name, State, Config } of containers) {
    assert.ok(Config.Env.includes(`http_proxy=${DEAD_PROXY}`), Name);
    if (Name.includes('-secrets-')) assert.equal(State.ExitCode, 0);
    else assert.equal(State.Health?.Status, 'healthy', Name);
  }
  const [port] = (await run('docker compose port gateway 8080')).split('\n');
  assert.match(port ?? '', /^127\.0\.0\.1:\d+$/);
  assert.equal((await fetch(`http://${port}/v1/sales`)).status, 200);
  assert.match(await run('docker compose run --rm token --buyer alice'), /^[\w-]+\.[\w-]+\.[\w-]+$/m);
});

test('no container runs as root or can write beside its data, and no secret shows', { skip }, async () => {
  const ids = await idsOf();
  for (const { Name, Config, HostConfig } of await inspect(ids)) {
    assert.match(Config.User, /^(node|postgres|redis|rabbitmq)$/, Name);
    assert.equal(HostConfig.ReadonlyRootfs, true, Name);
    assert.deepEqual(HostConfig.CapDrop, ['ALL'], Name);
  }
  const all = await run(
    "docker compose run --rm --no-deps secrets node -p \"fs.readFileSync('/secrets/all.json', 'utf8')\"",
  );
  const secrets: string[] = Object.values(JSON.parse(all.slice(all.indexOf('{'))));
  const shown = await Promise.all([
    run('docker compose logs --no-color'),
    run('docker compose config'),
    run(`docker inspect ${ids.join(' ')}`),
  ]);
  assert.equal(secrets.length, 9);
  assert.ok(secrets.every((secret) => !shown.join().includes(secret)));
  const [gateway = ''] = await idsOf('gateway');
  assert.equal(await inside(gateway, `console.log(fs.readdirSync('/run/secrets').join())`), 'env');
});

test('demo and audit come as containers too', { skip }, async () => {
  const demo = String((await start(DEMO)).all);
  assert.match(demo, /✓ queued: 1,000 confirmed, 0 yes that did not hold/);
  assert.match(demo, /✓ audit in flight.*\n✓ audit at rest/);
  assert.match(await run(AUDIT), AT_REST);
});

const noK6 = skip || ((await execa('docker', ['image', 'inspect', IMAGE], { reject: false })).failed && `no ${IMAGE}`);

test('k6 comes as a container too, and its buyers have their tokens', { skip: noK6 }, async () => {
  const output = await run('docker compose --profile loadtest run --rm k6 run --quiet 01-smoke.ts');
  assert.match(output, /checks_failed\.+: 0\.00%/);
  assert.match(await run(AUDIT), AT_REST);
});

test('two gateways and two orders share the work, and an orders killed in it costs nothing', { skip }, async () => {
  await run('docker compose up --wait --scale gateway=2 --scale orders=2');
  const [victim = ''] = await idsOf('orders');
  const demo = start(DEMO);
  let output = '';
  demo.all?.on('data', (data) => {
    output += data;
  });
  await until('the first clicks', () => /queued +[\d,]+ clicks/.test(output), { withinMs: 60_000, everyMs: 100 });
  const [before] = await counted('orders', 'orders_decided_total');
  assert.ok(before);
  await inside(victim, KILL);
  await demo;
  assert.match(output, /✓ audit at rest/, output);
  assert.match(await run(AUDIT), AT_REST);
  assert.equal((await inspect([victim]))[0]?.RestartCount, 1);
  for (const start of ['gateway_orders_total{mode="queued"', 'gateway_orders_total{mode="direct"'])
    for (const orders of await counted('gateway', start)) assert.ok(orders > 100, start);
  for (const mode of ['queued', 'direct'])
    for (const orders of await counted('orders', `orders_decided_total{mode="${mode}"`)) assert.ok(orders > 50, mode);
});

/** Only a process that dies is restarted: `docker kill` counts as stopped by hand. */
const KILL = `for (const pid of fs.readdirSync('/proc')) try {
  const command = fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').split('\\0');
  if (command[0] === 'node' && command.at(-2) === 'src/main.ts') process.kill(pid, 'SIGKILL');
} catch {}`;

test('on docker compose stop every service ends by itself', { skip }, async () => {
  await run('docker compose stop');
  for (const service of ['gateway', 'orders', 'inventory', 'payment', 'bank'])
    for (const { State } of await inspect(await idsOf(service))) assert.equal(State.ExitCode, 0, service);
});
