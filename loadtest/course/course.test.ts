// The course as its reader finds it: complete, gated, and each interface known in one file. It needs no k6.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KNOBS } from '../k6/knobs.ts';
import { findScript, runScript, scripts } from './course.ts';

const HERE = join(import.meta.dirname, '../k6');
const SCRIPTS = scripts();
const read = (file: string) => readFileSync(join(HERE, file), 'utf8');
const RUN_BY_K6 = readdirSync(HERE).filter((file) => file.endsWith('.ts'));

test('the course is numbered from one on, without holes', () => {
  const numbers = SCRIPTS.map(({ name }) => Number(name.slice(0, 2)));
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => i + 1),
  );
  assert.equal(numbers.length, 14);
  const numbered = readdirSync(HERE).filter((file) => /^\d/.test(file));
  assert.equal(numbered.length, SCRIPTS.length, `not a script of the course: ${numbered}`);
});

test('the first lines of each script state what it shows, and how many buyers it needs', () => {
  for (const { name, about, buyers } of SCRIPTS) {
    assert.ok(read(`${name}.ts`).startsWith(`// ${about.slice(0, 60)}`) && about.endsWith('.'), name);
    assert.ok(Number.isInteger(buyers), `${name} has no line "// Buyers: N"`);
  }
});

test('each script has thresholds, and none of them ends a run early', () => {
  for (const { name } of SCRIPTS) {
    const text = read(`${name}.ts`);
    assert.match(text, /\bthresholds: \{/, name);
    assert.doesNotMatch(text, /abortOnFail|abort\(/, name);
    const gates = text.match(/count==|count>0|count>=|rate==|\) ?<|p\(\d+\)<|max[<>]|climbing\(/g) ?? [];
    assert.ok(gates.length >= 2, `${name} has only thresholds that hold always`);
  }
});

test('a click that k6 could not make fails every script, in the two that climb on their lowest rung', () => {
  for (const { name } of SCRIPTS)
    assert.match(read(`${name}.ts`), /dropped_iterations: \['count==0'\]|bothModes\(\{|climbing\(\{/, name);
  for (const shared of [/dropped_iterations = \['count==0'\]/, /'dropped_iterations', .*\['count==0'\]/])
    assert.match(read('summary.ts'), shared);
});

const naming = (pattern: RegExp) => RUN_BY_K6.filter((file) => pattern.test(read(file)));

test('only shop.ts uses HTTP, only 11-grpc gRPC, and only shapes.ts sets when clicks are due', () => {
  assert.deepEqual(naming(/\/v1\/[a-z]|k6\/http|\/problems\/|\/statement|authorization/), ['shop.ts']);
  assert.deepEqual(naming(/k6\/net\/grpc/), ['11-grpc.ts']);
  assert.deepEqual(naming(/executor|preAllocatedVUs|arrival-rate/), ['shapes.ts']);
  for (const closed of ['constant-vus', 'ramping-vus', 'per-vu-iterations', 'shared-iterations'])
    assert.deepEqual(naming(new RegExp(closed)), [], 'the model is open throughout');
});

test('nothing is imported over the network, and nothing of Node', () => {
  const imports = RUN_BY_K6.flatMap((file) => [...read(file).matchAll(/ from '([^']+)'/g)].map(([, from]) => from));
  assert.deepEqual(
    imports.filter((from) => !/^(k6(\/[a-z/]+)?|\.\.?\/[\w./-]+\.ts)$/.test(from ?? '')),
    [],
  );
});

test('every setting that a script reads is passed on by the runner, and every one is read', () => {
  const text = RUN_BY_K6.map(read).join('\n');
  const used = new Set([...text.matchAll(/knob\('(\w+)'/g)].map(([, name]) => name));
  assert.deepEqual(new Set(Object.keys(KNOBS)), new Set([...used, 'MODE']));
});

test('a script is found by number, by name or by both', () => {
  for (const key of ['5', '05', 'sold-out', '05-sold-out']) assert.equal(findScript(key)?.name, '05-sold-out');
  for (const key of ['', '0', '15', 'sold', '06-sold-out', '../05-sold-out'])
    assert.equal(findScript(key), undefined, key);
});

test('an unknown script is refused before anything is started', async () => {
  const how = { log: () => assert.fail('nothing was to be started'), signal: new AbortController().signal };
  await assert.rejects(runScript('sold', how), /there is no script sold: npm run loadtest -- list/);
});

test('npm run loadtest -- list names every script with its description', () => {
  const main = join(HERE, '../report/main.ts');
  const { status, stdout } = spawnSync(process.execPath, [main, 'list'], { encoding: 'utf8' });
  assert.equal(status, 0);
  const listed = stdout.replace(/\s+/g, ' ');
  for (const { name, about } of SCRIPTS) assert.ok(listed.includes(`${name} ${about}`), name);
});
