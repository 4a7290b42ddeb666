import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { createVerifier } from 'fast-jwt';

const BUYER_TOKEN_SECRET = 'a-secret-for-tests-only-of-buyers-0123456789';
const ADMIN_TOKEN_SECRET = 'a-secret-for-tests-only-of-admins-0123456789';

function npmRunToken(...args: string[]) {
  const options = { env: { ...process.env, BUYER_TOKEN_SECRET, ADMIN_TOKEN_SECRET } };
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'token.ts'), ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const verify = createVerifier({ key: BUYER_TOKEN_SECRET, algorithms: ['HS256'], allowedAud: 'flashsale-buyers' });

test('a token names its buyer, the buyers’ audience and an end, and nothing else', async () => {
  const { stdout } = await npmRunToken('--buyer', 'alice', '--hours', '2');
  const { iat, exp, ...claims } = verify(stdout.trim());
  assert.deepEqual(claims, { sub: 'alice', aud: 'flashsale-buyers' });
  assert.equal(exp - iat, 2 * 3_600);
});

test('an admin’s is signed with the admins’ secret, for the admins’ audience', async () => {
  const { stdout } = await npmRunToken('--buyer', 'alice', '--admin');
  const verifyAdmin = createVerifier({
    key: ADMIN_TOKEN_SECRET,
    algorithms: ['HS256'],
    allowedAud: 'flashsale-admins',
  });
  assert.equal(verifyAdmin(stdout.trim()).sub, 'alice');
  assert.throws(() => verify(stdout.trim()));
});

test('--count prints a token per line, each for a buyer of its own', async () => {
  const { stdout } = await npmRunToken('--buyer', 'buyer', '--count', '3');
  const subjects = stdout
    .trim()
    .split('\n')
    .map((token) => verify(token).sub);
  assert.deepEqual(subjects, ['buyer-1', 'buyer-2', 'buyer-3']);
});

test('without a buyer, or with hours or a count that are none, the usage is printed', async () => {
  for (const args of [
    [],
    ['--buyer', 'alice', '--hours', 'none'],
    ['--buyer', 'alice', '--count', '0'],
    ['--seller', 'bob'],
  ]) {
    const { code, stderr } = await npmRunToken(...args);
    assert.equal(code, 1);
    assert.match(stderr, /usage: npm run token -- --buyer NAME/);
  }
});
