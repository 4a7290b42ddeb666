// The server: health, reflection, and a drain that ends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { credentials, makeGenericClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { until } from '../../../infra/until.ts';
import { status, statusOf } from '../src/client.ts';
import { connect, NAME, startEcho } from './echo.ts';

const plainClient = (t: TestContext, address: string, definition: ServiceDefinition) => {
  const Client = makeGenericClientConstructor(definition, 'Plain');
  const client = new Client(address, credentials.createInsecure());
  t.after(() => client.close());
  return client;
};

test('health is SERVING, for all and by name, and NOT_SERVING from the moment of the stop', async (t) => {
  const { address, stop } = await startEcho(t);
  const client = plainClient(t, address, healthService);
  for (const service of ['', NAME]) {
    const health = await new Promise((resolve, reject) =>
      client.check?.({ service }, (error: Error | null, health: unknown) => (error ? reject(error) : resolve(health))),
    );
    assert.deepEqual(health, { status: 'SERVING' });
  }
  const watches = ['', NAME].map((service) => {
    const words: string[] = [];
    const stream = client.watch?.({ service });
    stream.on('data', ({ status }: { status: string }) => words.push(status));
    stream.on('error', () => undefined);
    return { words, stream };
  });
  for (const { words } of watches) await until('it serves', () => words.at(-1) === 'SERVING');
  const stopped = stop();
  for (const { words, stream } of watches) {
    await until('it does not serve', () => words.at(-1) === 'NOT_SERVING');
    stream.cancel();
  }
  await stopped;
});

test('reflection lists the service and knows its messages', async (t) => {
  const { address } = await startEcho(t);
  const proto = new URL('../proto/grpc/reflection/v1/reflection.proto', import.meta.resolve('@grpc/reflection'));
  const definition = loadSync(fileURLToPath(proto))['grpc.reflection.v1.ServerReflection'] as ServiceDefinition;
  const stream = plainClient(t, address, definition).serverReflectionInfo?.();
  stream.write({ listServices: '' });
  const [{ listServicesResponse }] = await once(stream, 'data');
  assert.ok(listServicesResponse.service.some(({ name }: { name: string }) => name === NAME));
  stream.write({ fileContainingSymbol: `${NAME}.Say` });
  const [{ fileDescriptorResponse }] = await once(stream, 'data');
  assert.ok(fileDescriptorResponse.fileDescriptorProto.some((file: Buffer) => file.includes('SayRequest')));
  stream.end();
});

test('draining lets the call that runs end, takes no new one, and ends with it', async (t) => {
  const running = Promise.withResolvers<void>();
  let arrived = 0;
  const { address, stop } = await startEcho(t, async (request) => {
    arrived += 1;
    await running.promise;
    return request;
  });
  const [inFlight, late, stranger] = ['never', 'never', 'never'].map(() => connect(t, address, 'never'));
  const response = inFlight?.say('in flight');
  await until('it runs', () => arrived === 1);
  const stopped = stop();
  for (const client of [inFlight, late, stranger])
    await assert.rejects(client?.say('too late', 1_000) ?? assert.fail(), (error) =>
      [status.UNAVAILABLE, status.DEADLINE_EXCEEDED].includes(statusOf(error) as status),
    );
  running.resolve();
  assert.equal(await response, 'in flight');
  await stopped;
  assert.equal(arrived, 1);
});

test('draining does not wait for ever for a call that hangs', async (t) => {
  const { address, stop } = await startEcho(t, () => new Promise(() => undefined));
  const response = connect(t, address, 'never').say('for ever', 60_000);
  response.catch(() => undefined);
  const { say } = connect(t, address, 'never');
  await assert.rejects(say('a second', 500), (error) => statusOf(error) === status.DEADLINE_EXCEEDED);
  await stop();
  await assert.rejects(response);
});

test('a port that is taken is an error at once', async (t) => {
  const { port } = await startEcho(t);
  await assert.rejects(startEcho(t, undefined, port), /EADDRINUSE|No address added/);
});
