// Starts a service inside this process, for tests: the one place outside a service that imports its inside.
import { readConfig } from '@flashsale/runtime/config';

export type Env = Record<string, string>;

/** Each is loaded when it is started: a test of one service does not depend on the sources of the others. */
export const startService = {
  async bank(env: Env) {
    const { startBank } = await import('../../services/bank/src/app.ts');
    const { settings } = await import('../../services/bank/src/config.ts');
    return startBank(readConfig(settings, env));
  },
  async inventory(env: Env) {
    const { startInventory } = await import('../../services/inventory/src/app.ts');
    const { settings } = await import('../../services/inventory/src/config.ts');
    return startInventory(readConfig(settings, env));
  },
  async payment(env: Env) {
    const { startPayment } = await import('../../services/payment/src/app.ts');
    const { settings } = await import('../../services/payment/src/config.ts');
    return startPayment(readConfig(settings, env));
  },
  async orders(env: Env) {
    const { startOrders } = await import('../../services/orders/src/app.ts');
    const { settings } = await import('../../services/orders/src/config.ts');
    return startOrders(readConfig(settings, env));
  },
  async gateway(env: Env) {
    const { startGateway } = await import('../../services/gateway/src/app.ts');
    const { settings } = await import('../../services/gateway/src/config.ts');
    return startGateway(readConfig(settings, env));
  },
};
