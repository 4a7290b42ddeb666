import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROOT } from '../native/leftovers.ts';
import { imagesOf, isAccepted, packagesOf, refusedOf } from './licences.ts';

test('every package and every image has a licence that is accepted', () => {
  const [packages, images] = [packagesOf(ROOT), imagesOf(ROOT)];
  assert.ok(packages.length >= 100 && images.length >= 5);
  assert.deepEqual(refusedOf(packages, images), []);
});

test('of a choice one licence must be accepted, of a sum each, and of a nested expression none is', () => {
  for (const one of ['MIT', '(MIT OR GPL-3.0-only)', 'GPL-3.0-only OR ISC', '(Apache-2.0 AND BSD-3-Clause)'])
    assert.ok(isAccepted(one), one);
  for (const one of ['', 'unknown', 'GPL-3.0-only', 'MIT AND GPL-3.0-only', '(MIT OR ISC) AND GPL-3.0-only'])
    assert.ok(!isAccepted(one), one);
});

test('the images that are started without Compose are among those that are checked', () => {
  const source = readFileSync(join(ROOT, 'infra/native/servers-docker.ts'), 'utf8');
  const started = source.match(/\b(?:postgres|redis|rabbitmq):\d[\w.-]*/g) ?? [];
  const checked = imagesOf(ROOT).map(({ name }) => name);
  assert.equal(started.length, 3);
  assert.deepEqual(
    started.filter((image) => !checked.includes(image)),
    [],
  );
});

test('docs/production.md lists the images that are checked', () => {
  const listed = [...readFileSync(join(ROOT, 'docs/production.md'), 'utf8').matchAll(/^\| `(\S+)`/gm)];
  assert.deepEqual(
    listed.map(([, image]) => image),
    imagesOf(ROOT).map(({ name }) => name),
  );
});

test('npm run licences ends with 1 and names what is not accepted', () => {
  const root = mkdtempSync(join(tmpdir(), 'flashsale-licences-'));
  after(() => rmSync(root, { recursive: true }));
  const packages = {
    '': { license: 'MIT' },
    'services/own': {},
    'node_modules/@flashsale/own': { link: true },
    'node_modules/fine': { version: '1.0.0', license: 'MIT', optionalDependencies: { 'fine-arm': '1.0.0' } },
    'node_modules/fine-arm': { version: '1.0.0', optional: true },
    'node_modules/fine/node_modules/copyleft': { version: '2.0.0', license: 'GPL-3.0-only' },
    'node_modules/silent': { version: '3.0.0', dev: true },
  };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
  mkdirSync(join(root, 'infra/node'), { recursive: true });
  writeFileSync(
    join(root, 'infra/node/Dockerfile'),
    'FROM node:24-slim AS base\nFROM base AS service\nFROM redis:99\n',
  );
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), root]);
  assert.equal(status, 1);
  assert.deepEqual(String(stderr).trim().split('\n'), [
    '✗ copyleft 2.0.0: GPL-3.0-only',
    '✗ silent 3.0.0: unknown',
    '✗ redis:99: unknown',
  ]);
});
