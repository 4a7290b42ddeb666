// Starts a service inside this process, for tests: the one place outside a service that imports its inside.
import { readConfig } from '@flashsale/runtime/config';

export type Env = Record<string, string | number>;

export const TOKEN_SECRETS = {
  buyer: 'a-secret-for-tests-only-of-buyers-0123456789',
  admin: 'a-secret-for-tests-only-of-admins-0123456789',
};
export const TOKEN_ENV = { BUYER_TOKEN_SECRET: TOKEN_SECRETS.buyer, ADMIN_TOKEN_SECRET: TOKEN_SECRETS.admin };
export const BANK_API_KEY = 'a-bank-api-key-for-tests-only-0123456789';
/** Any free port, the secrets, and a log only on request. */
const LOG_LEVEL = process.env.LOG_LEVEL ?? 'silent';
const COMMON = { LOG_LEVEL, HTTP_PORT: 0, GRPC_PORT: 0, ...TOKEN_ENV, BANK_API_KEY };

export const asStrings = (env: Env): Record<string, string> =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
const environmentOf = (own: Env) => asStrings({ ...COMMON, ...own });

/** Each is loaded when it is started: a test of one service does not depend on the sources of the others. */
export const startService = {
  async bank(env: Env) {
    const { startBank } = await import('../../services/bank/src/app.ts');
    const { settings } = await import('../../services/bank/src/config.ts');
    return startBank(readConfig(settings, environmentOf(env)));
  },
  async inventory(env: Env) {
    const { startInventory } = await import('../../services/inventory/src/app.ts');
    const { settings } = await import('../../services/inventory/src/config.ts');
    return startInventory(readConfig(settings, environmentOf(env)));
  },
  async payment(env: Env) {
    const { startPayment } = await import('../../services/payment/src/app.ts');
    const { settings } = await import('../../services/payment/src/config.ts');
    return startPayment(readConfig(settings, environmentOf(env)));
  },
  async orders(env: Env) {
    const { startOrders } = await import('../../services/orders/src/app.ts');
    const { settings } = await import('../../services/orders/src/config.ts');
    return startOrders(readConfig(settings, environmentOf(env)));
  },
  async gateway(env: Env) {
    const { startGateway } = await import('../../services/gateway/src/app.ts');
    const { settings } = await import('../../services/gateway/src/config.ts');
    return startGateway(readConfig(settings, environmentOf(env)));
  },
  async storefront(env: Env) {
    const { startStorefront } = await import('../../services/storefront/src/app.ts');
    const { settings } = await import('../../services/storefront/src/config.ts');
    return startStorefront(readConfig(settings, environmentOf(env)));
  },
};
export type ServiceName = keyof typeof startService;
