// The queue of payments: every message on its own, as many at once as the bank can take.
import { PaymentDue, read } from '@flashsale/contracts/messages';
import { declareTopology, PAYMENTS_DUE } from '@flashsale/contracts/topology';
import { type Consumer, consumeBatches } from '@flashsale/messaging/delivery';
import type { Publisher } from '@flashsale/messaging/publisher';
import type { Verdict } from '@flashsale/messaging/verdicts';
import type { Log } from '@flashsale/runtime/log';
import type { Config } from '../config.ts';
import { createConcurrencyLimit } from '../domain/concurrency-limit.ts';
import { isDue, type Order } from '../domain/order.ts';

/** At the bank or waiting for the limit; a constant, so that a change of the limit needs no word with the broker. */
const PREFETCH = 1_000;

export function consumePaymentsDue(options: {
  config: Config;
  log: Log;
  publisher: Publisher;
  pay: (due: PaymentDue) => Promise<Order | undefined>;
}): Consumer {
  const { config, log, publisher, pay } = options;
  const limit = createConcurrencyLimit(() => performance.now());

  async function isDecided(due: PaymentDue): Promise<boolean> {
    try {
      const order = await pay(due);
      return !order || !isDue(order);
    } catch (error) {
      log.error({ orderId: due.orderId, error: String(error) }, 'a payment failed');
      return false;
    }
  }

  async function verdictOf(due: PaymentDue): Promise<Verdict> {
    const decided = await isDecided(due);
    // Whether payment or inventory did not answer: more at once would not be decided sooner.
    if (decided) limit.answered();
    else limit.timedOut();
    return decided ? 'done' : 'later';
  }

  return consumeBatches<PaymentDue>({
    url: config.AMQP_URL,
    name: 'orders: payments due',
    log,
    declare: declareTopology,
    queue: PAYMENTS_DUE.queue,
    batch: 1,
    lanes: PREFETCH,
    lanesNow: limit.current,
    parse: read(PaymentDue),
    handle: (dues) => Promise.all(dues.map(verdictOf)),
    retries: { work: PAYMENTS_DUE, publisher },
  });
}
