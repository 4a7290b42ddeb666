// The connection to Redis: its clock, and servers that a gate cannot work with.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import type { Log } from '@flashsale/runtime/log';
import { until } from '../../../infra/until.ts';
import { createGate } from '../src/outbound/gate.ts';
import { createRedis, createRedisClock } from '../src/outbound/redis.ts';
import { ANY_TIME, anOrder, aSale, openGates, SENT_DUE_MS } from './gates.ts';

const gates = await openGates();

test(`Redis' clock is the last time that was read and what has gone by since, for ten seconds at most`, () => {
  let monotonic = 5_000;
  const clock = createRedisClock(() => monotonic);
  assert.equal(clock.nowMs(), undefined);
  clock.set(1_000_000);
  assert.equal(clock.nowMs(), 1_000_000);
  monotonic += 9_999.5;
  assert.equal(clock.nowMs(), 1_009_999);
  monotonic += 1;
  assert.equal(clock.nowMs(), undefined);
  clock.set(2_000_000);
  clock.forget();
  assert.equal(clock.nowMs(), undefined);
});

test('the clock of Redis is read with every refresh of the gates', async () => {
  let readings = 0;
  const readTime = async () => {
    readings += 1;
  };
  await createGate({ ...gates.redis, readTime }, SENT_DUE_MS).read([aSale(1).id, aSale(1).id]);
  assert.equal(readings, 1);
  const before = await gates.now();
  await gates.gate.read([]);
  const estimate = gates.redis.clock.nowMs() as number;
  assert.ok(before <= estimate && estimate <= (await gates.now()) + 1, `${estimate - before} ms off`);
});

/** The same Redis, but for what it says of itself; of the same length, because Redis says the length first. */
async function disguise(said: RegExp, instead: string) {
  const { port, password } = gates.redis.client.options;
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const upstream = connect(port as number, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.push(socket.on('error', () => undefined));
    client.pipe(upstream);
    upstream.on('data', (data) => client.write(data.toString('latin1').replace(said, instead), 'latin1'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://:${password}@127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

for (const { name, said, instead, problem } of [
  { name: 'an older Redis', said: /redis_version:\d/, instead: 'redis_version:6', problem: /this server is 6\./ },
  {
    name: 'a server that is no Redis',
    said: /redis_version:/,
    instead: 'other_version:',
    problem: /this server is neither/,
  },
  { name: 'a server without a role', said: /role:/, instead: 'rule:', problem: /needs Redis 7/ },
  {
    name: 'a server that does not name its data',
    said: /master_replid:/,
    instead: 'master_xxxxxx:',
    problem: /needs Redis 7/,
  },
]) {
  test(`${name} is refused in one sentence, in the log and in readiness, and admits nothing`, async () => {
    const disguised = await disguise(said, instead);
    const logged: string[] = [];
    const error = (_: object, message: string) => logged.push(message);
    const log = { error, warn: () => undefined, info: () => undefined } as unknown as Log;
    const redis = createRedis(disguised.url, log);
    const refused = await until('it says why', async () => {
      const problems = await redis.problems();
      return /^the gate needs/.test(String(problems)) && problems;
    });
    assert.match(String(refused), problem);
    assert.deepEqual(logged, refused);
    assert.equal(redis.refusal, String(refused));
    const admission = createGate(redis, SENT_DUE_MS).admit(anOrder(aSale(1), 'alice'), ANY_TIME);
    assert.deepEqual(await admission, { kind: 'unavailable' });
    await redis.stop();
    disguised.close();
  });
}
