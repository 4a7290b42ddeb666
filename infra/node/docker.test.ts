// docker-compose.yml for real, in a project of its own: what the README tells a reader to type, and a process that dies.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { IMAGE } from '../k6/image.ts';
import { PINNED } from '../k6/k6.ts';
import { ROOT } from '../native/leftovers.ts';
import { ownProject, removeLeftovers, removeProject, whyNoDocker } from './engine.ts';

const skip = await whyNoDocker();
const project = process.env.COMPOSE_PROJECT_NAME ?? ownProject();
const env = { ...process.env, COMPOSE_PROJECT_NAME: project, GATEWAY_PORTS: '0' };

/** Everything said so far, and the whole of it with the exit code. */
function start(command: string, timeoutMs = 120_000) {
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      said += data;
    });
  const ended = new Promise<{ code: number; said: string }>((resolve) =>
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, said });
    }),
  );
  return { said: () => said, ended };
}

async function run(command: string, timeoutMs?: number): Promise<string> {
  const { code, said } = await start(command, timeoutMs).ended;
  assert.equal(code, 0, `${command}\n${said.slice(-4_000)}`);
  return said.trim();
}

interface Container {
  Name: string;
  RestartCount: number;
  State: { ExitCode: number; Health?: { Status: string } };
  Config: { User: string };
  HostConfig: { ReadonlyRootfs: boolean; CapDrop: string[] };
}

const AUDIT = 'docker compose run --rm audit';
const DEMO = 'docker compose run --rm demo';
const idsOf = async (service = '') => (await run(`docker compose ps -aq ${service}`)).split('\n');
const inspect = async (ids: string[]): Promise<Container[]> => JSON.parse(await run(`docker inspect ${ids.join(' ')}`));
const inside = (id: string, script: string) => run(`docker exec ${id} node -e "${script}"`);

/** A counter's values, added up, in each container of a service. */
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

before(async () => skip || (await removeLeftovers()));
after(async () => skip || (await removeProject(project)));

test('docker compose up --wait: everything is built, starts and is healthy', { skip }, async () => {
  await run('docker compose up --wait', 240_000);
  const containers = await inspect(await idsOf());
  assert.equal(containers.length, 9);
  for (const { Name, State } of containers)
    if (Name.includes('-secrets-')) assert.equal(State.ExitCode, 0);
    else assert.equal(State.Health?.Status, 'healthy', Name);
  const [port] = (await run('docker compose port gateway 8080')).split('\n');
  assert.match(port ?? '', /^127\.0\.0\.1:\d+$/);
  assert.equal((await fetch(`http://${port}/v1/sales`)).status, 200);
});

test('nobody is root, nobody can write beside its data, and no secret shows', { skip }, async () => {
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
  assert.equal(secrets.length, 8);
  assert.ok(secrets.every((secret) => !shown.join().includes(secret)));
  const [gateway = ''] = await idsOf('gateway');
  assert.equal(await inside(gateway, `console.log(fs.readdirSync('/run/secrets').join())`), 'env');
});

test('the crowd and the audit come as containers too', { skip }, async () => {
  const { said } = await start(DEMO).ended;
  assert.match(said, /✓ queued: 1,000 confirmed, 0 yes that did not hold/);
  assert.match(said, /✓ audit in flight.*\n✓ audit at rest/);
  assert.match(await run(AUDIT), /At rest .*: (\d+) of \1 checks hold/);
});

const K6_IMAGE = `${IMAGE}:${PINNED}`;
const noK6 = skip || ((await start(`docker image inspect ${K6_IMAGE}`).ended).code !== 0 && `${K6_IMAGE} is not here`);

test('k6 comes as a container too, and its buyers have their tokens', { skip: noK6 }, async () => {
  const said = await run('docker compose --profile loadtest run --rm k6 run --quiet 01-smoke.ts');
  assert.match(said, /checks_failed\.+: 0\.00%/);
  assert.match(await run(AUDIT), /At rest .*: (\d+) of \1 checks hold/);
});

test('two gateways and two orders share the work, and an orders killed in it costs nothing', { skip }, async () => {
  await run('docker compose up --wait --scale gateway=2 --scale orders=2');
  const [victim = ''] = await idsOf('orders');
  const demo = start(DEMO);
  while (!/queued +[\d,]+ clicks/.test(demo.said())) await sleep(100);
  const [before] = await counted('orders', 'orders_fulfilled_total');
  assert.ok(before);
  await inside(victim, KILL);
  const { said } = await demo.ended;
  assert.match(said, /✓ audit at rest/, said);
  assert.match(await run(AUDIT), /At rest .*: (\d+) of \1 checks hold/);
  assert.equal((await inspect([victim]))[0]?.RestartCount, 1);
  for (const start of ['gateway_orders_total{mode="queued"', 'gateway_orders_total{mode="direct"'])
    for (const orders of await counted('gateway', start)) assert.ok(orders > 100, start);
  for (const door of ['queue', 'rpc'])
    for (const orders of await counted('orders', `orders_fulfilled_total{door="${door}"`)) assert.ok(orders > 50, door);
});

/** `docker kill` counts as stopped by hand, and nothing would start it again; a process that dies is what restarts are for. */
const KILL = `for (const pid of fs.readdirSync('/proc')) try {
  const command = fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').split('\\0');
  if (command[0] === 'node' && command.at(-2) === 'src/main.ts') process.kill(pid, 'SIGKILL');
} catch {}`;

test('told to stop, every service ends by itself', { skip }, async () => {
  await run('docker compose stop');
  for (const service of ['gateway', 'orders', 'inventory', 'payment', 'bank'])
    for (const { State } of await inspect(await idsOf(service))) assert.equal(State.ExitCode, 0, service);
});
