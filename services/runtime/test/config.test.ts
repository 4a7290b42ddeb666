import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address, ConfigError, count, ms, port, processConfig, readConfig, secret, url } from '../src/config.ts';

const settings = {
  ...processConfig,
  HTTP_PORT: port,
  DATABASE_URL: url('postgres', 'postgresql'),
  NEIGHBOUR: address,
  API_KEY: secret,
  LANES: count.default(2),
  WAIT_MS: ms.default(1_000),
};
const good = {
  HTTP_PORT: '8080',
  DATABASE_URL: 'postgres://me:hunter2@db/mine',
  NEIGHBOUR: 'inventory:50051',
  API_KEY: 'k'.repeat(32),
};

const messageOf = (env: NodeJS.ProcessEnv): string => {
  try {
    readConfig(settings, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  return assert.fail('it was read');
};

test('what is given is read by its type, and the rest has its default', () => {
  assert.deepEqual(readConfig(settings, { ...good, LANES: '7', UNRELATED: 'x' }), {
    HOST: '127.0.0.1',
    OPS_PORT: 0,
    LOG_LEVEL: 'info',
    OTEL_TRACES_SAMPLER_ARG: 1,
    HTTP_PORT: 8080,
    DATABASE_URL: good.DATABASE_URL,
    NEIGHBOUR: good.NEIGHBOUR,
    API_KEY: good.API_KEY,
    LANES: 7,
    WAIT_MS: 1_000,
  });
});

test('every bad variable is named in one message, and no value is repeated', () => {
  const bad = {
    HTTP_PORT: '70123',
    OPS_PORT: 'ninety',
    LOG_LEVEL: 'shouting',
    DATABASE_URL: 'mysql://root:hunter2@db',
    NEIGHBOUR: 'inventory_without_port',
    API_KEY: 'tooshortasecret',
    LANES: '0',
    WAIT_MS: '2.5',
  };
  const lines = messageOf(bad).split('\n');
  const named = lines.slice(1).map((line) => /^ {2}(\w+): ./.exec(line)?.[1]);
  assert.deepEqual(named.toSorted(), Object.keys(bad).toSorted());
  for (const value of Object.values(bad).filter((value) => value.length > 3))
    assert.doesNotMatch(messageOf(bad), new RegExp(value));
});

test('more milliseconds than a timer can wait are refused, because it would fire at once', () => {
  assert.match(messageOf({ ...good, WAIT_MS: String(2 ** 31) }), /WAIT_MS: /);
  assert.equal(readConfig(settings, { ...good, WAIT_MS: String(2 ** 31 - 1) }).WAIT_MS, 2 ** 31 - 1);
});

test('what is missing is said to be missing, and empty is missing', () => {
  const message = messageOf({ HTTP_PORT: '', NEIGHBOUR: '' });
  for (const name of Object.keys(good)) assert.match(message, new RegExp(`^  ${name}: is missing$`, 'm'));
  assert.equal(message.split('\n').length, 1 + Object.keys(good).length);
  assert.equal(readConfig(settings, { ...good, LANES: '' }).LANES, 2);
});

test('a URL must be one of the protocols that are understood', () => {
  for (const DATABASE_URL of ['postgres', 'http://db/mine', 'postgres//db'])
    assert.match(
      messageOf({ ...good, DATABASE_URL }),
      /must be a URL that starts with postgres:\/\/ or postgresql:\/\//,
    );
  assert.ok(readConfig(settings, { ...good, DATABASE_URL: 'postgresql://db' }));
});

test('an address is host:port, or a list of them', () => {
  const shapes = {
    'orders:1': true,
    'ipv4:127.0.0.1:1,127.0.0.1:2': true,
    '127.0.0.1:1,127.0.0.1:2': false,
    'ipv4:': false,
  };
  for (const [text, good] of Object.entries(shapes)) assert.equal(address.safeParse(text).success, good, text);
});
