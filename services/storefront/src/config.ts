// The settings of the storefront, read from its environment.
import { ConfigError, count, port, processConfig, secret, url } from '@flashsale/runtime/config';
import { z } from 'zod';

export const settings = {
  ...processConfig,
  HTTP_PORT: port,
  GATEWAY_URL: url('http', 'https'),
  /** Calls at the gateway at once, event streams included; beyond it 503. */
  MAX_FORWARDED: count.default(5_000),
  /** The buyers' secret: signs a guest's token at a click. Without it there is no such login, and nothing here can sign. */
  DEMO_LOGIN_SECRET: secret.optional(),
  DEMO_LOGINS_PER_SECOND: count.default(10),
  /** For containers, whose address is not loopback while the port is published on loopback. */
  DEMO_LOGIN_BEYOND_LOOPBACK: z.stringbool().default(false),
};

export type Config = z.infer<z.ZodObject<typeof settings>>;

const LOOPBACK = /^(127(\.\d{1,3}){3}|localhost|\[?::1\]?)$/;
export const isLoopback = (host: string) => LOOPBACK.test(host);

export function refuseOpenLogin({ HOST, DEMO_LOGIN_SECRET, DEMO_LOGIN_BEYOND_LOOPBACK }: Config): void {
  if (DEMO_LOGIN_SECRET === undefined || DEMO_LOGIN_BEYOND_LOOPBACK || isLoopback(HOST)) return;
  throw new ConfigError(
    'DEMO_LOGIN_SECRET makes every visitor a buyer, and HOST is not loopback; unset it, or set DEMO_LOGIN_BEYOND_LOOPBACK=true.',
  );
}
