// The session: a cookie outside, a bearer token inside, and a demo login only where there is a secret for it.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { spawnService } from '../../../infra/testbed/process.ts';
import { startService, TOKEN_SECRETS } from '../../../infra/testbed/services.ts';
import { createBrowser, openStorefront } from './shop.ts';

const { fromPage, logIn, shop, storefront } = await openStorefront({ DEMO_LOGINS_PER_SECOND: 1_000 });
const ELSEWHERE = { GATEWAY_URL: 'http://127.0.0.1:9' };
const LOGIN = { ...ELSEWHERE, DEMO_LOGIN_SECRET: TOKEN_SECRETS.buyer };

test('a click makes a guest whose token no script can read and no other site can send', async () => {
  const { response, cookie, headers } = await logIn();
  assert.equal(response.status, 204);
  assert.match(cookie, /^buyer=[\w-]+\.[\w-]+\.[\w-]+; HttpOnly; SameSite=Strict; Path=\/api; Max-Age=3600$/);
  assert.equal(await response.text(), '');
  assert.deepEqual(await (await fromPage('/api/session')).json(), { loggedIn: false, demoLogin: true });
  assert.deepEqual(await (await fromPage('/api/session', { headers })).json(), { loggedIn: true, demoLogin: true });
});

test('under a name that is not loopback, the cookie is only for HTTPS', async () => {
  const headers = { 'sec-fetch-site': 'same-origin', host: 'shop.example.com' };
  const cookie = await new Promise((resolve) => {
    const sent = httpRequest(new URL('/api/session', storefront.url), { method: 'POST', headers }, (response) => {
      resolve(response.resume().headers['set-cookie']?.[0]);
    });
    sent.end();
  });
  assert.match(String(cookie), /; Secure$/);
});

test('logging out takes the cookie away', async () => {
  const response = await fromPage('/api/session', { method: 'DELETE' });
  assert.match(response.headers.getSetCookie()[0] ?? '', /^buyer=; .*Max-Age=0/);
});

test('a guest is a buyer and never an admin', async () => {
  const { headers } = await logIn();
  const init = { method: 'POST', body: '{}', headers: { ...headers, 'content-type': 'application/json' } };
  assert.equal((await fromPage('/api/v1/sales', init)).status, 403);
  assert.equal((await shop.request('/v1/sales')).status, 200);
});

test('another site, or a request that does not say where it comes from, changes nothing', async () => {
  const { headers } = await logIn();
  for (const site of ['cross-site', 'same-site', 'none', undefined])
    for (const [method, path] of [
      ['POST', '/api/session'],
      ['DELETE', '/api/session'],
      ['POST', '/api/v1/sales'],
      ['POST', '/page.js'],
    ] as const) {
      const init = { method, headers: { ...headers, ...(site && { 'sec-fetch-site': site }) } };
      assert.equal((await fetch(new URL(path, storefront.url), init)).status, 403, `${method} ${path} ${site}`);
    }
});

test('without a secret there is no demo login', async (t) => {
  const without = await startService.storefront(ELSEWHERE);
  t.after(without.stop);
  const browser = createBrowser(without.url);
  assert.equal((await browser.logIn()).response.status, 404);
  assert.deepEqual(await (await browser.fromPage('/api/session')).json(), { loggedIn: false, demoLogin: false });
});

test('logins beyond the limit are 429 and make no guest', async (t) => {
  const slow = await startService.storefront({ ...LOGIN, DEMO_LOGINS_PER_SECOND: 2 });
  t.after(slow.stop);
  const browser = createBrowser(slow.url);
  const responses = await Promise.all(Array.from({ length: 60 }, async () => (await browser.logIn()).response));
  const refused = responses.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0);
  for (const { headers } of refused) assert.deepEqual(headers.getSetCookie(), []);
});

test('the log says that the demo login is on', async (t) => {
  const { logged, listening } = spawnService(t, 'storefront', { ...LOGIN, HTTP_PORT: 0 });
  await listening();
  assert.ok(logged.some(({ level, msg }) => level === 40 && /demo login is on/.test(String(msg))));
});

test('where more than this machine can reach it, a demo login needs a setting that says so', async (t) => {
  const open = { ...LOGIN, HTTP_PORT: 0, HOST: '0.0.0.0' };
  const { exit, stderr } = spawnService(t, 'storefront', open);
  assert.deepEqual(await exit, [1, null]);
  const message = await stderr;
  assert.match(message, /^DEMO_LOGIN_SECRET makes every visitor a buyer.*DEMO_LOGIN_BEYOND_LOOPBACK=true\.\n$/);
  assert.ok(!message.includes(TOKEN_SECRETS.buyer));
  const allowed = spawnService(t, 'storefront', { ...open, DEMO_LOGIN_BEYOND_LOOPBACK: 'true' });
  await allowed.listening();
});
