// Carries the outbox to the broker: at least once, and forgotten only when the broker has it.
import { ORDER_EVENTS } from '@flashsale/contracts/topology';
import type { Publisher } from '@flashsale/messaging/publisher';
import type { Log } from '@flashsale/runtime/log';
import { type Loop, startLoop } from '@flashsale/runtime/loop';
import type { OrdersLedger, OutboxEvent } from './ledger.ts';

const MOST_AT_ONCE = 500;
/** Orders that end at about the same time are told of together. */
const GATHER_MS = 20;

export function startEventRelay(ledger: OrdersLedger, publisher: Publisher, log: Log): Loop {
  const send = (events: OutboxEvent[]) =>
    Promise.all(
      events.map(async ({ orderId, routingKey, payload }) => {
        const result = await publisher.publish(ORDER_EVENTS, routingKey, { id: orderId, body: payload });
        if (result === 'returned') log.error({ routingKey }, 'no queue takes this event');
        return result === 'confirmed';
      }),
    );
  const loop = startLoop({
    name: 'event relay',
    everyMs: 1_000,
    log,
    async round() {
      while (publisher.available() && (await ledger.relay(MOST_AT_ONCE, send)) === MOST_AT_ONCE);
    },
  });
  let gathering: NodeJS.Timeout | undefined;
  return {
    kick() {
      gathering ??= setTimeout(() => {
        gathering = undefined;
        loop.kick();
      }, GATHER_MS);
    },
    async stop() {
      clearTimeout(gathering);
      await loop.stop();
    },
  };
}
