// The page as it is served: small, under a strict policy, and the only thing there besides /api.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startService } from '../../../infra/testbed/services.ts';

const MOST_BYTES = 60_000;
const storefront = await startService.storefront({ GATEWAY_URL: 'http://127.0.0.1:9' });
after(storefront.stop);
const get = (path: string) => fetch(new URL(path, storefront.url));

test('page, script and style are at most 60 kB, compressed', async () => {
  const parts = await Promise.all(['/', '/page.js', '/page.css'].map(async (path) => (await get(path)).arrayBuffer()));
  const sizes = parts.map((part) => gzipSync(Buffer.from(part)).length);
  assert.ok(
    sizes.every((size) => size > 100),
    `${sizes}`,
  );
  assert.ok(sizes.reduce((sum, size) => sum + size) <= MOST_BYTES, `${sizes}`);
});

test('every response has a policy that allows the page’s own script and style, and nothing else', async () => {
  for (const path of ['/', '/page.js', '/page.css', '/api/session', '/none']) {
    const { headers } = await get(path);
    const policy = headers.get('content-security-policy') ?? '';
    for (const part of ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'"])
      assert.ok(policy.includes(part), path);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/, path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('x-powered-by'), null, path);
  }
});

test('the page has no script or style in it, and speaks both languages', async () => {
  const html = await (await get('/')).text();
  assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|\son\w+=|style=/);
  const script = await (await get('/page.js')).text();
  for (const word of ['Flash sale', '限时抢购']) assert.ok(script.includes(word), word);
});

test('an unchanged page is not sent again, and a path that is none is 404', async () => {
  const etag = (await get('/page.js')).headers.get('etag') ?? '';
  // Not by fetch, which bypasses caches for a request with this header.
  const again = httpGet(new URL('/page.js', storefront.url), { headers: { 'if-none-match': etag } });
  const [response] = (await once(again, 'response')) as [IncomingMessage];
  assert.equal(response.resume().statusCode, 304);
  for (const path of ['/none', '/api', '/api/v2/sales', '/openapi.json'])
    assert.equal((await get(path)).status, 404, path);
});

test('it is not ready while the gateway cannot be reached', async () => {
  const response = await fetch(`http://127.0.0.1:${storefront.ops}/readyz`);
  assert.equal(response.status, 503);
  assert.match(await response.text(), /gateway/);
});
