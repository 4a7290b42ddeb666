// The search for k6 and its command line, with programs that print their version.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../until.ts';
import { findK6, HOW_TO_GET_IT, IMAGE, PINNED } from './k6.ts';

const K6 = (version: string) => `echo "k6 v${version} (go1.26, linux/amd64)"`;
/** Builds into GOBIN. */
const GO = `[ "$1" = version ] && exit 0
[ "$1 $2" = "install go.k6.io/k6@v${PINNED}" ] || exit 1
mkdir -p "$GOBIN" && printf '#!/bin/sh\\n${K6(PINNED)}\\n' > "$GOBIN/k6" && chmod +x "$GOBIN/k6"`;
const BROKEN_GO = `[ "$1" = version ] && exit 0
echo 'no network' >&2; exit 1`;
/** An engine: with the image, or one that cannot pull it. */
const DOCKER = '[ "$1" = pull ] && exit 1; echo something';
const BARE_DOCKER = '[ "$1" = version ] && echo 27 && exit 0; exit 1';

function machine(t: TestContext, programs: Record<string, string>) {
  const dir = fs.mkdtempSync(join(tmpdir(), 'flashsale-k6-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  for (const [name, script] of Object.entries(programs))
    fs.writeFileSync(join(dir, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`, { mode: 0o755 });
  const logged: string[] = [];
  const env = { PATH: dir, HOME: dir, XDG_CACHE_HOME: join(dir, 'cache') };
  return { dir, env, logged, find: () => findK6((line) => logged.push(line), env) };
}

test('one on the PATH comes first', async (t) => {
  const { find } = machine(t, { k6: K6('1.9.0'), go: GO, docker: DOCKER });
  const { version, how, isChild } = await find();
  assert.deepEqual({ version, how, isChild }, { version: '1.9.0', how: 'PATH', isChild: true });
});

test('one that is too old for TypeScript is logged and passed over', async (t) => {
  const { find, logged } = machine(t, { k6: K6('0.47.0'), docker: DOCKER });
  assert.equal((await find()).how, `image ${IMAGE}`);
  assert.match(logged.join(), /k6 0\.47\.0 on the PATH is too old/);
});

test('else it is built with Go, once, in a cache that is not ours', async (t) => {
  const { find, logged, env } = machine(t, { go: GO, docker: DOCKER });
  assert.deepEqual((await find()).how, 'built with go');
  assert.match(logged.join(), /building k6 .* takes some minutes, once/);
  assert.ok(fs.existsSync(join(env.XDG_CACHE_HOME, 'flashsale', `k6-${PINNED}`, 'k6')));
  logged.length = 0;
  assert.equal((await find()).how, 'built with go');
  assert.deepEqual(logged, []);
});

test('if Go cannot build it, the reason is logged and the image is used', async (t) => {
  const { find, logged } = machine(t, { go: BROKEN_GO, docker: DOCKER });
  const { how, isChild } = await find();
  assert.deepEqual([how, isChild], [`image ${IMAGE}`, false]);
  assert.match(logged.join(), /could not be built: no network/);
});

test('without any of them, one error explains how to get it', async (t) => {
  await assert.rejects(machine(t, {}).find(), { message: HOW_TO_GET_IT });
  await assert.rejects(machine(t, { docker: BARE_DOCKER }).find(), { message: HOW_TO_GET_IT });
  for (const way of ['PATH', 'Go', 'Docker', 'https://']) assert.ok(HOW_TO_GET_IT.includes(way));
});

const runs = (script: string) => `[ "$1" = version ] && ${K6('1.9.0')} && exit\n${script}`;

test('a run gets its files and its environment, and resolves with the exit code', async (t) => {
  const { dir, find } = machine(t, { k6: runs('echo "$@ $UNITS" > "$OUT"\nexit 99') });
  const [OUT, consoleFile, summaryFile] = [join(dir, 'out'), join(dir, 'console'), join(dir, 'summary')];
  fs.writeFileSync(consoleFile, 'an earlier run');
  const options = { script: '/a.ts', env: { OUT, UNITS: '7' }, consoleFile, summaryFile, quiet: true };
  assert.equal(await (await find()).run(options), 99);
  const files = `--console-output ${consoleFile} --log-format raw --summary-export ${summaryFile}`;
  const expected = `run --address  --no-usage-report --quiet --no-color ${files} /a.ts 7\n`;
  assert.equal(fs.readFileSync(OUT, 'utf8'), expected);
  assert.ok(!fs.existsSync(consoleFile));
});

test('a run that is ended early gets SIGTERM, and its exit code is that of k6', async (t) => {
  const { dir, find } = machine(t, { k6: runs(`trap 'exit 105' TERM\ntouch "$OUT"\nwhile :; do sleep 0.05; done`) });
  const [OUT, ending] = [join(dir, 'out'), new AbortController()];
  const exitCode = (await find()).run({ script: '/a.ts', env: { OUT }, quiet: true, signal: ending.signal });
  await until('it runs', () => fs.existsSync(OUT));
  ending.abort();
  assert.equal(await exitCode, 105);
});
