// The generated code is what the protos say today, and the protos are as buf wants them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const contracts = fileURLToPath(new URL('..', import.meta.url));
const bin = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url));
const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
const folder = mkdtempSync(join(tmpdir(), 'flashsale-gen-'));
after(() => rmSync(folder, { recursive: true }));

const buf = (...args: string[]) => execFileSync(join(bin, 'buf'), args, { cwd: contracts, env, encoding: 'utf8' });
const filesUnder = (root: string) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort();

test('the protos pass buf lint', () => {
  assert.equal(buf('lint'), '');
});

test('the generated code is what the protos generate', () => {
  buf('generate', '--output', folder);
  const committed = filesUnder(join(contracts, 'gen'));
  assert.deepEqual(filesUnder(join(folder, 'gen')), committed);
  assert.equal(committed.length, 4);
  for (const name of committed) {
    const current = readFileSync(join(contracts, 'gen', name), 'utf8');
    assert.equal(current, readFileSync(join(folder, 'gen', name), 'utf8'), `${name} is stale: npm run generate`);
  }
});
