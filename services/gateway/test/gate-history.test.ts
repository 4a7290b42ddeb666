// The name that a Redis gives its data, which a gate is bound to: when the name changes, and that no gateway keeps it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, type TestContext, test } from 'node:test';
import { startPrivateRedis } from '../../../infra/testbed/servers.ts';
import { until } from '../../../infra/until.ts';
import type { Sale } from '../src/domain/sale.ts';
import { ANY_TIME, anOrder, aSnapshot, gatesOn, MOST } from './gates.ts';

const [server, other] = await Promise.all([startPrivateRedis(), startPrivateRedis()]);
const gates = await gatesOn(server.url);
const two = await gates.connect();
after(() => Promise.all([server.stop(), other.stop()]));
const { gate, redis, open } = gates;

const infoOf = (from: typeof server, field: string) =>
  from.run(async (client) => new RegExp(`^${field}:(\\S+)`, 'm').exec(await client.info('replication'))?.[1]);
const nameOf = (from: typeof server) => infoOf(from, 'master_replid');
/** To both gateways: whether the gate is of this Redis. */
const isCurrent = ({ id }: Sale) =>
  until('both gateways have a reply', async () => {
    const states = await Promise.all([gate.read([id]), two.gate.read([id])]);
    return { both: states.map(([state]) => state?.current) };
  });

/** True when the name has changed, and with it the gate's validity. */
async function renames(act: () => Promise<unknown>): Promise<boolean> {
  const sale = await open(2);
  const before = await nameOf(server);
  assert.deepEqual(await isCurrent(sale), { both: [true, true] });
  await server.copy();
  await act();
  const renamed = (await nameOf(server)) !== before;
  assert.deepEqual(await isCurrent(sale), { both: [!renamed, !renamed] });
  const { kind } = await gate.admit(anOrder(sale, 'alice'), ANY_TIME);
  assert.equal(kind, renamed ? 'unavailable' : 'admitted');
  return renamed;
}

/** Has a replica for a moment. */
async function haveReplica() {
  await other.replicate(server.url);
  await other.promote();
  await until('the replica has left', async () => (await infoOf(server, 'connected_slaves')) === '0');
}

test('the first backup or replica changes the name of a Redis, and no later one does', async () => {
  assert.equal(await renames(() => server.backUp()), true);
  assert.equal(await renames(() => server.backUp()), false);
  assert.equal(await renames(haveReplica), false);
  assert.equal(await renames(() => server.backUp()), false);
});

test('the shipped settings never drop the replication backlog, which would change the name of an idle Redis', async () => {
  assert.equal(((await server.run((client) => client.config('GET', 'repl-backlog-ttl'))) as string[])[1], '0');
});

test('a start changes the name, after a crash and after an orderly end', async () => {
  assert.equal(await renames(() => server.restartFromCopy()), true);
  assert.equal(await renames(() => server.restart()), true);
});

test('a Redis that was demoted and promoted again in one process has another name, and connections that stayed open see it', async () => {
  await gates.observer.client('SETNAME', 'stayed');
  const renamed = await renames(async () => {
    await other.replicate(server.url);
    await other.promote();
    await server.replicate(other.url);
    await server.promote();
  });
  assert.equal(renamed, true);
  assert.equal(await gates.observer.client('GETNAME'), 'stayed');
});

test('a promoted replica has another name than the primary whose gates it copied', async (t) => {
  const sale = await open(2);
  await other.replicate(server.url);
  const copy = await gatesOn(other.url, t);
  assert.equal((await copy.gate.read([sale.id]))[0]?.current, false, 'a replica is no place for a gate');
  assert.equal(await nameOf(other), await nameOf(server));
  await other.promote();
  assert.notEqual(await nameOf(other), await nameOf(server));
  assert.equal((await copy.gate.read([sale.id]))[0]?.current, false);
  assert.deepEqual(await copy.gate.admit(anOrder(sale, 'alice'), ANY_TIME), { kind: 'unavailable' });
  assert.equal((await gate.read([sale.id]))[0]?.current, true);
});

test('a gate that one gateway builds after the name has changed is valid for all of them', async () => {
  const sale = await open(2);
  await server.copy();
  await server.restartFromCopy();
  await isCurrent(sale);
  assert.equal(await two.gate.replace(aSnapshot({ ...sale, epoch: 2 }), new AbortController().signal), true);
  assert.deepEqual(await isCurrent(sale), { both: [true, true] });
  assert.equal((await gate.admit(anOrder({ ...sale, epoch: 2 }, 'alice'), ANY_TIME)).kind, 'admitted');
});

test('a demoted Redis is no place for a gate: nothing is spent, readiness shows it, and the connection is replaced', async (t) => {
  const sale = await open(2);
  const order = anOrder(sale, 'alice');
  const connection = await redis.client.client('ID');
  await other.promote();
  await server.replicate(other.url);
  await replaceOnOther(t, sale);
  await until('the demoted Redis has the gate', async () => (await gate.read([sale.id]))[0] !== undefined);

  assert.equal((await gate.read([sale.id]))[0]?.current, false);
  assert.deepEqual(await gate.admit(order, ANY_TIME), { kind: 'unavailable' });
  await assert.rejects(gate.lease(sale.id), /READONLY/);
  await until('another connection', async () => (await redis.client.client('ID')) !== connection);
  assert.match(String(await redis.problems()), /redis cannot be written: READONLY/);
  await server.promote();
  await until('ready again', async () => (await redis.problems()).length === 0);
  assert.ok(await gate.lease(sale.id));
});

async function replaceOnOther(t: TestContext, sale: Sale) {
  const there = await gatesOn(other.url, t);
  await there.replace(aSnapshot(sale));
}

test('a server that does not say its role and the name of its data is an error to every guard', async () => {
  const common = readFileSync(new URL('../src/outbound/gate/common.lua', import.meta.url), 'utf8');
  const says = (info: string) =>
    `local real = redis\nlocal redis = { call = function(command, ...)
       if command == 'INFO' then return '${info}' end
       return real.call(command, ...) end }\n${common}\nreturn history()`;
  const history = (info: string) => gates.observer.eval(says(info), 0);
  assert.equal(await history('role:master\\r\\nmaster_replid:0a1b\\r\\nmaster_replid2:ffff'), '0a1b');
  assert.equal(await history('role:slave\\r\\nmaster_replid:0a1b'), null);
  for (const info of ['', 'role:master', 'master_replid:0a1b'])
    await assert.rejects(history(info), /^ReplyError: NOHISTORY/);
});

test('the gate of a demoted Redis hands out nothing', async (t) => {
  const sale = await open(2);
  const order = await gates.admitted(sale, 'alice');
  await gates.makeDue(order);
  await other.promote();
  const there = await gatesOn(other.url, t);
  await other.replicate(server.url);
  const claim = there.gate.claim(sale.id, MOST);
  assert.deepEqual(await claim.catch(({ message }: Error) => message.slice(0, 8)), 'READONLY');
  assert.deepEqual((await gate.claim(sale.id, MOST)).records.length, 1);
});
