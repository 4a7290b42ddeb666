// The neighbours of orders, real: inventory, payment, the bank and the broker, in a namespace of the file's own; and
// the contents of its stores. Tests start the workers.
import { InventoryServiceClient, type Sale } from '@flashsale/contracts/inventory';
import { OrdersServiceClient } from '@flashsale/contracts/orders';
import { PaymentServiceClient } from '@flashsale/contracts/payment';
import { call, callStream, connectTo } from '@flashsale/rpc/client';
import { Registry } from '@prometheus-io/client';
import { openStores } from '../../../infra/audit/stores.ts';
import type { Owner } from '../../../infra/testbed/ending.ts';
import { openParticipants } from '../../../infra/testbed/participants.ts';
import { aSale } from '../../../infra/testbed/samples.ts';
import type { Env } from '../../../infra/testbed/services.ts';
import { openBroker } from './broker.ts';
import { readStores } from './stores.ts';
import { callsOf } from './worker.ts';

const WITHIN = { deadlineMs: 30_000 };
/** No call runs out of time by itself, and a pending compensation is left alone except by a worker that TAKES_UP. */
const orders = {
  RPC_DEADLINE_MS: 60_000,
  CHARGE_TIMEOUT_MS: 60_000,
  JOBS_EVERY_MS: 100,
  COMPENSATE_AFTER_MS: 600_000,
};
export const TAKES_UP = { COMPENSATE_AFTER_MS: 300 };

const drain = async (responses: AsyncIterable<unknown>) => {
  for await (const _ of responses);
};

export type Worker = Awaited<ReturnType<Awaited<ReturnType<typeof openEnvironment>>['startWorker']>>;
export type OpenSale = Pick<Sale, 'id' | 'epoch'>;

export async function openEnvironment() {
  const participants = await openParticipants({ inventory: { REOPEN_DAMPING_MS: 1 }, orders });
  const { namespace, services, bank, ending, startOrders } = participants;
  const { closed } = ending;
  const sales = closed(
    connectTo(InventoryServiceClient, services.inventory.address, { retries: 'never', registry: new Registry() }),
  );
  const charges = closed(
    connectTo(PaymentServiceClient, services.payment.address, { retries: 'never', registry: new Registry() }),
  );
  const stores = closed(openStores(participants.stores));
  const broker = await openBroker(await participants.channel());

  /** Raises the epoch, as a second gate would. */
  const reopen = ({ id: saleId, epoch }: OpenSale) =>
    drain(callStream(sales, sales.reopen, { saleId, expectedEpoch: epoch, gateEpoch: 0 }, WITHIN));

  return {
    namespace,
    services,
    bank,
    broker,
    stores,
    ...readStores(stores, broker),
    reopen,

    /** With its first gate open, so in epoch 1. */
    async openSale(stock = 10, fields: Partial<Sale> = {}): Promise<OpenSale> {
      const sale = aSale({ stock, ...fields });
      await call(sales, sales.createSale, { sale }, WITHIN);
      await reopen(sale);
      return { id: sale.id, epoch: 1 };
    },

    async startWorker(env?: Env, owner?: Owner) {
      const worker = await startOrders(env, owner);
      const client = closed(
        connectTo(OrdersServiceClient, worker.address, { retries: 'never', registry: new Registry() }),
      );
      return { ...worker, client, ...callsOf(client) };
    },

    /** The deadline of an order, its hold or its payment has just passed. */
    passDeadline: (orderId: string) =>
      stores.orders.query('UPDATE orders SET deadline = now() WHERE id = $1', [orderId]),

    /** Its charge is requested, and declined, before any worker requests it. */
    async decline({ orderId }: { orderId: string }) {
      await bank.change({ declineRate: 1 });
      const items = [{ orderId, amount: { amountMinor: 1_000, currency: 'EUR' } }];
      await drain(callStream(charges, charges.charge, { items }, WITHIN));
      await bank.change({ declineRate: 0 });
    },
  };
}
