// The use cases of orders, each with the ports that it needs.
import { groupCommit } from '@flashsale/runtime/group-commit';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from './config.ts';
import { type Cancellation, cancelOrder } from './domain/cancel-order.ts';
import { compensate, compensatePending, followRefunds, timeOutOrders } from './domain/compensate.ts';
import { createStages, placeOrder } from './domain/fulfil-order.ts';
import type { Order, Placement } from './domain/order.ts';
import type { Ports, Timeouts } from './domain/ports.ts';
import { type PaymentRequest, requestPayment } from './domain/request-payment.ts';
import type { Metrics } from './metrics.ts';

/** The deadline is in Unix milliseconds. */
interface Caller {
  deadlineMs: number;
  cancelled(): boolean;
}

/** Between two reads of a row that a caller waits for; all callers' rows are read together. */
const REFRESH_MS = 200;
/** Reserved for the response to reach the caller. */
const RESPONSE_MS = 500;
/** Batches of ended orders that are compensated at once; beyond it the job for pending ones takes them up. */
const MAX_COMPENSATING = 4;

export type UseCases = ReturnType<typeof createUseCases>;

/** The ports of the queued path also serve the work that no caller waits for. */
export function createUseCases(
  config: Config,
  { queued: ports, direct }: Record<'queued' | 'direct', Ports>,
  log: Log,
  metrics: Metrics,
) {
  const timeouts: Timeouts = { callMs: config.RPC_DEADLINE_MS, chargeMs: config.CHARGE_TIMEOUT_MS };

  const readLater = groupCommit(REFRESH_MS, async (orderIds: string[]) => {
    const orders = new Map((await ports.ledger.read(orderIds)).map((order) => [order.orderId, order]));
    return (orderId) => orders.get(orderId);
  });

  let compensating = 0;
  function compensateSoon(orders: Order[]) {
    if (orders.length === 0 || compensating >= MAX_COMPENSATING) return;
    compensating += 1;
    compensate(orders, ports, timeouts)
      .catch((error) => log.warn({ error: String(error) }, 'a compensation failed and stays pending'))
      .finally(() => {
        compensating -= 1;
      });
  }

  return {
    ...createStages(ports, timeouts, metrics.batchSize),

    place(placement: Placement, { cancelled, deadlineMs }: Caller) {
      const within = { cancelled, deadlineMs: Math.min(deadlineMs, Date.now() + placement.decideWithinMs) };
      return placeOrder(placement, direct, timeoutsOf(within), () => isWaiting(within));
    },

    requestPayment: (payment: PaymentRequest, caller: Caller) =>
      requestPayment(payment, direct, timeoutsOf(caller), {
        isWaiting: () => isWaiting(caller, REFRESH_MS + RESPONSE_MS),
        readLater,
      }),

    cancel: (cancellation: Cancellation) => cancelOrder(cancellation, ports, timeouts),
    read: (orderIds: string[]) => ports.ledger.read(orderIds),

    timeOut: () => timeOutOrders(ports, compensateSoon),
    compensatePending: () => compensatePending(ports, timeouts, config.COMPENSATE_AFTER_MS),
    followRefunds: () => followRefunds(ports, timeouts),
  };
}

const isWaiting = ({ cancelled, deadlineMs }: Caller, forMs = 0) => !cancelled() && deadlineMs - Date.now() > forMs;

/** Everything that a caller waits for ends with its deadline. */
function timeoutsOf({ deadlineMs }: Caller): Timeouts {
  const remainingMs = () => Math.max(1, deadlineMs - Date.now());
  return {
    get callMs() {
      return remainingMs();
    },
    get chargeMs() {
      return remainingMs();
    },
  };
}
