// A whole shop with a storefront in front of it, and what a browser would send from the page.

import { startService } from '../../../infra/testbed/services.ts';
import { openShop } from '../../../infra/testbed/shop.ts';

export async function openStorefront(own: Record<string, string | number> = {}) {
  const shop = await openShop();
  const env = { GATEWAY_URL: shop.services.gateway.url, DEMO_LOGIN_SECRET: shop.secrets.buyer, ...own };
  const storefront = await startService.storefront(env);
  shop.closed({ close: storefront.stop });
  return { shop, storefront, ...createBrowser(storefront.url) };
}

export function createBrowser(url: string) {
  /** As a script of the page does. */
  const fromPage = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, url), { ...init, headers: { 'sec-fetch-site': 'same-origin', ...init.headers } });
  async function logIn() {
    const response = await fromPage('/api/session', { method: 'POST' });
    const [cookie = ''] = response.headers.getSetCookie();
    return { response, cookie, headers: { cookie: cookie.split(';')[0] as string } };
  }
  return { fromPage, logIn };
}
