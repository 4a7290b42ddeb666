// Traces without a receiver: nothing is made, nothing is loaded, and a log line names the trace of its id all the same.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { asFirst, asStep, withSteps } from '../src/steps.ts';
import { isTraced, traceIdOf } from '../src/trace.ts';

const ID = '01938f2e-5c00-7abc-8def-0123456789ab';

test('with tracing off no id is traced, and work and ports stay what they are', () => {
  const work = async () => undefined;
  const port = { work };
  assert.equal(isTraced(ID), false);
  assert.equal(
    asStep('a step', () => ID, work),
    work,
  );
  assert.equal(asFirst('a first step', work), work);
  assert.equal(withSteps('port', port, { work: () => ID }), port);
});

test('the trace of an id is the id without its dashes, and only a UUIDv7 has one', () => {
  assert.equal(traceIdOf(ID), '01938f2e5c007abc8def0123456789ab');
  for (const id of ['', 'a', ID.replace('-7', '-4'), `${ID}0`]) assert.equal(traceIdOf(id), undefined);
});

test('a process without OTEL_EXPORTER_OTLP_ENDPOINT loads the API of OpenTelemetry and nothing of its SDK', () => {
  assert.deepEqual(logged('').loaded, ['@opentelemetry/api']);
});

test('a log line with an order id has its trace id, and another has none', () => {
  const { lines } = logged(`log.info({ orderId: '${ID}' }, 'with'); log.info({ orderId: '12' }, 'without');`);
  assert.deepEqual(
    lines.map(({ msg, traceId }) => [msg, traceId]),
    [
      ['with', traceIdOf(ID)],
      ['without', undefined],
    ],
  );
});

/** The log of a process that runs this script inside its start, and the packages of OpenTelemetry that it has loaded. */
function logged(script: string): { lines: Record<string, unknown>[]; loaded: string[] } {
  const module = (file: string) => JSON.stringify(new URL(`../src/${file}.ts`, import.meta.url).href);
  const source = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ load(url, context, next) {
      const [, name] = /node_modules.(@opentelemetry.[^/]+)/.exec(url) ?? [];
      if (name) loaded.add(name);
      return next(url, context);
    } });
    const { startTraced } = await import(${module('tracing')});
    const { createLog } = await import(${module('log')});
    const log = createLog('test', 'info');
    await startTraced('test', { LOG_LEVEL: 'info', OTEL_TRACES_SAMPLER_ARG: 1 }, async () => { ${script} });
    log.info({ loaded: [...loaded] }, 'loaded');`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', source], { encoding: 'utf8' });
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { loaded } = lines.pop();
  return { lines, loaded };
}
