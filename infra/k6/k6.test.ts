// Which k6 is taken, tried with programs that only say who they are.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findK6, HOW_TO_GET_IT, PINNED } from './k6.ts';

const K6 = (version: string) => `echo "k6 v${version} (go1.26, linux/amd64)"`;
/** Builds what it is asked for, into GOBIN. */
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
  const said: string[] = [];
  const env = { PATH: dir, HOME: dir, XDG_CACHE_HOME: join(dir, 'cache') };
  return { env, said, find: () => findK6((line) => said.push(line), env) };
}

test('one on the PATH comes first', async (t) => {
  const { find } = machine(t, { k6: K6('1.9.0'), go: GO, docker: DOCKER });
  const { version, how, isChild } = await find();
  assert.deepEqual({ version, how, isChild }, { version: '1.9.0', how: 'PATH', isChild: true });
});

test('one that is too old for TypeScript is said and passed over', async (t) => {
  const { find, said } = machine(t, { k6: K6('0.47.0'), docker: DOCKER });
  assert.equal((await find()).how, `image grafana/k6:${PINNED}`);
  assert.match(said.join(), /k6 0\.47\.0 on the PATH is too old/);
});

test('else it is built with Go, once, in a cache that is not ours', async (t) => {
  const { find, said, env } = machine(t, { go: GO, docker: DOCKER });
  assert.deepEqual((await find()).how, 'built with go');
  assert.match(said.join(), /building k6 .* takes some minutes, once/);
  assert.ok(fs.existsSync(join(env.XDG_CACHE_HOME, 'flashsale', `k6-${PINNED}`, 'k6')));
  said.length = 0;
  assert.equal((await find()).how, 'built with go');
  assert.deepEqual(said, []);
});

test('where Go cannot build it, why is said, and the image is taken', async (t) => {
  const { find, said } = machine(t, { go: BROKEN_GO, docker: DOCKER });
  const { how, isChild } = await find();
  assert.deepEqual([how, isChild], [`image grafana/k6:${PINNED}`, false]);
  assert.match(said.join(), /could not be built: no network/);
});

test('where there is none of them, one message says how to get it', async (t) => {
  await assert.rejects(machine(t, {}).find(), { message: HOW_TO_GET_IT });
  await assert.rejects(machine(t, { docker: BARE_DOCKER }).find(), { message: HOW_TO_GET_IT });
  for (const way of ['PATH', 'Go', 'Docker', 'https://']) assert.ok(HOW_TO_GET_IT.includes(way));
});
