// Starts a service inside this process, for tests: the one place outside a service that imports its inside.
import { readConfig } from '@flashsale/runtime/config';
import { startBank } from '../../services/bank/src/app.ts';
import { settings as bank } from '../../services/bank/src/config.ts';
import { startGateway } from '../../services/gateway/src/app.ts';
import { settings as gateway } from '../../services/gateway/src/config.ts';
import { startInventory } from '../../services/inventory/src/app.ts';
import { settings as inventory } from '../../services/inventory/src/config.ts';
import { startOrders } from '../../services/orders/src/app.ts';
import { settings as orders } from '../../services/orders/src/config.ts';
import { startPayment } from '../../services/payment/src/app.ts';
import { settings as payment } from '../../services/payment/src/config.ts';

export type Env = Record<string, string>;

export const startService = {
  bank: (env: Env) => startBank(readConfig(bank, env)),
  inventory: (env: Env) => startInventory(readConfig(inventory, env)),
  payment: (env: Env) => startPayment(readConfig(payment, env)),
  orders: (env: Env) => startOrders(readConfig(orders, env)),
  gateway: (env: Env) => startGateway(readConfig(gateway, env)),
};
