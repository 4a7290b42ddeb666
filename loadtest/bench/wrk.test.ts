// What wrk says of a run, and when it is no figure.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAnswered, parseWrk } from './wrk.ts';

const LINES = [
  'Running 5s test @ http://127.0.0.1:8080/',
  '  Latency     2.10ms    1.02ms  30.00ms   90.00%',
  'result {"requests":1000,"microseconds":5020000,"statuses":{"202":1000},"errors":{"connect":0,"read":0,"write":0,"timeout":0},"latencyMicroseconds":{"p50":2000,"p99":12500,"max":30000},"slots":1010,"late":101,"latestMs":12.5}',
];
const result = parseWrk(LINES);

test('seconds, milliseconds and the share of late clicks are read from what the script tells', () => {
  const { requests, seconds, latencyMs, lateShare, latestMs } = result;
  assert.deepEqual(
    { requests, seconds, lateShare, latestMs },
    { requests: 1_000, seconds: 5.02, lateShare: 0.1, latestMs: 12.5 },
  );
  assert.deepEqual(latencyMs, { p50: 2, p99: 12.5, max: 30 });
});

test('a run that told nothing is an error that shows what it said instead', () => {
  assert.throws(() => parseWrk(['unable to connect']), /no result: unable to connect/);
});

test('a figure counts only if every request was answered, and as it should be', () => {
  assert.doesNotThrow(() => assertAnswered(result, 202, 'accept'));
  assert.throws(() => assertAnswered(result, 410, 'refusal'), /must get 410: 1000 × 202/);
  const broken = { ...result, errors: { ...result.errors, read: 3 } };
  assert.throws(() => assertAnswered(broken, 202, 'accept'), /3 × read/);
  const silent = { ...result, requests: 0, statuses: {} };
  assert.throws(() => assertAnswered(silent, 202, 'accept'), /no answer at all/);
});
