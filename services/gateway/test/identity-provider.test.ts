// docs/examples/identity-provider.diff, applied to a copy of the gateway and tried with a provider of this test.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createSigner } from 'fast-jwt';
import { ROOT } from '../../../infra/native/leftovers.ts';
import { until } from '../../../infra/until.ts';
import type { Identity } from '../src/inbound/token.ts';

const TOKEN = 'services/gateway/src/inbound/token.ts';
const DIFF = join(ROOT, 'docs/examples/identity-provider.diff');
const REFRESH_MS = 20;

// Outside the repository, whose paths git would take for the copy's.
const copy = mkdtempSync(join(tmpdir(), 'flashsale-example-'));
after(() => rmSync(copy, { recursive: true }));
cpSync(join(ROOT, 'services/gateway/src'), join(copy, 'services/gateway/src'), { recursive: true });
for (const name of ['package.json', 'node_modules']) symlinkSync(join(ROOT, name), join(copy, name));
execFileSync('git', ['apply', DIFF], { cwd: copy });
const { createIdentity } = (await import(join(copy, TOKEN))) as {
  createIdentity(sources: Record<'buyer' | 'admin', string>, refreshMs?: number): Identity;
};
const from = (source: string) => createIdentity({ buyer: source, admin: source }, REFRESH_MS);

function makeKey(kid: string) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
  const pem = (key: typeof publicKey | typeof privateKey) =>
    key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }) as string;
  return { kid, jwk, publicPem: pem(publicKey), privatePem: pem(privateKey) };
}
const [first, second] = [makeKey('first'), makeKey('second')];

/** A provider as OpenID Connect has it: a discovery document that leads to the keys. */
async function startProvider(published: object[]) {
  const keySet = { keys: published };
  const server = createServer(({ url }, response) => {
    if (keySet.keys.length === 0) return response.writeHead(500).end();
    const document = url === '/keys' ? keySet : { issuer, jwks_uri: `${issuer}/keys` };
    response.end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  after(close);
  return { keySet, issuer, close, discovery: `${issuer}/.well-known/openid-configuration` };
}

const provider = await startProvider([first.jwk]);
const identity = from(provider.discovery);

interface Claims {
  aud?: string;
  iss?: string;
  expiresIn?: number;
}

function sign({ kid, privatePem }: ReturnType<typeof makeKey>, claims: Claims = {}) {
  const common = { aud: 'flashsale-buyers', iss: provider.issuer, expiresIn: 60_000, ...claims };
  return createSigner({ key: privatePem, algorithm: 'RS256', kid, ...common })({ sub: 'alice' });
}

const bearer = (token: string) =>
  ({ get: () => `Bearer ${token}` }) as unknown as Parameters<Identity['authenticate']>[0];

/** The type of the problem that a token leads to, if any. */
function problemOf(
  token: string,
  by: (caller: ReturnType<typeof bearer>) => unknown = identity.authenticate,
): string | undefined {
  try {
    by(bearer(token));
  } catch (error) {
    return (error as { kind: string }).kind;
  }
}

test('with the change, the gateway still type checks', () => {
  const config = { extends: join(ROOT, 'tsconfig.json'), include: [TOKEN], exclude: [] };
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(config));
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', copy], { stdio: 'inherit' });
});

test('a token that the provider signed names its buyer, and an admin is one by the audience', async () => {
  const [buyers, admins] = [sign(first), sign(first, { aud: 'flashsale-admins' })];
  await until('the keys are here', () => problemOf(buyers) === undefined);
  await until('the keys of admins are here', () => problemOf(admins, identity.requireAdmin) === undefined);
  assert.deepEqual(identity.authenticate(bearer(buyers)), { buyerId: 'alice' });
  assert.equal(problemOf(buyers, identity.requireAdmin), 'forbidden');
  assert.equal(problemOf(admins), 'unauthenticated');
});

test('another key, issuer or audience, an end that has passed, or the public key as a secret: 401', () => {
  const forged = { ...second, kid: first.kid };
  const { iss: _, ...noIssuer } = { iss: provider.issuer, aud: 'flashsale-buyers', sub: 'alice', exp: 9_999_999_999 };
  const bad = {
    'another key under the same name': sign(forged),
    'a name that is not published': sign(second),
    'another issuer': sign(first, { iss: 'https://elsewhere.example' }),
    'no issuer': createSigner({ key: first.privatePem, algorithm: 'RS256', kid: first.kid })(noIssuer),
    'another audience': sign(first, { aud: 'another-shop' }),
    'an end that has passed': sign(first, { expiresIn: -1_000 }),
    'the public key as a shared secret': withSecret(first.publicPem),
    'no token at all': 'x',
  };
  for (const [why, token] of Object.entries(bad)) assert.equal(problemOf(token), 'unauthenticated', why);
});

/** Signed by hand: no library makes this token. */
function withSecret(secret: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: 'mallory', aud: 'flashsale-buyers', iss: provider.issuer, exp: 9_999_999_999 };
  const input = `${part({ alg: 'HS256', typ: 'JWT', kid: first.kid })}.${part(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

test('a key that the provider adds is taken up, one that it removes is refused', async () => {
  provider.keySet.keys = [second.jwk];
  await until('the new key is taken up', () => problemOf(sign(second)) === undefined);
  assert.equal(problemOf(sign(first)), 'unauthenticated');
});

test('until the first keys are here it is 503; after that the provider may be away', async () => {
  const late = await startProvider([]);
  const { authenticate } = from(late.discovery);
  const token = () => sign(first, { iss: late.issuer });
  assert.equal(problemOf(token(), authenticate), 'busy');
  late.keySet.keys = [first.jwk];
  await until('the keys are here', () => problemOf(token(), authenticate) === undefined);
  const warned = new Promise((resolve) => process.once('warning', resolve));
  await late.close();
  assert.match(String(await warned), /no keys from/);
  assert.equal(problemOf(token(), authenticate), undefined);
});

test('a shared secret still works, so that tests, demo and load tests run as before', () => {
  const secret = randomBytes(32).toString('base64url');
  const token = createSigner({ key: secret, aud: 'flashsale-buyers', expiresIn: 60_000 })({ sub: 'alice' });
  const { authenticate } = from(secret);
  assert.deepEqual(authenticate(bearer(token)), { buyerId: 'alice' });
  assert.equal(problemOf(sign(first), authenticate), 'unauthenticated');
});
