// The broker as a test sees it: what it publishes for orders, what orders publishes, what waits where.
import { randomUUID } from 'node:crypto';
import type { OrderEvent } from '@flashsale/contracts/messages';
import { declareTopology, ORDER_EVENTS, ORDERS_PLACED, PAYMENTS_DUE } from '@flashsale/contracts/topology';
import { deadLetterQueue, retryQueue, type WorkQueue } from '@flashsale/messaging/topology';
import type { ConfirmChannel, GetMessage } from 'amqplib';

export type Broker = Awaited<ReturnType<typeof openBroker>>;

export async function openBroker(channel: ConfirmChannel) {
  await declareTopology(channel);
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, ORDER_EVENTS, '#');
  const events: OrderEvent[] = [];
  await channel.consume(queue, (message) => message && events.push(JSON.parse(String(message.content))), {
    noAck: true,
  });
  const waiting = async (name: string) => (await channel.checkQueue(name)).messageCount;
  async function onRetrySteps(work: WorkQueue = ORDERS_PLACED) {
    let sum = 0;
    for (const delayMs of work.retryDelaysMs) sum += await waiting(retryQueue(work, delayMs));
    return sum;
  }
  async function send(bodies: (object | string)[], headers = {}, work: WorkQueue = ORDERS_PLACED) {
    for (const body of bodies) {
      const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      const properties = { persistent: true, messageId: randomUUID(), contentType: 'application/json', headers };
      channel.publish(work.exchange, work.queue, bytes, properties);
    }
    await channel.waitForConfirms();
  }

  async function takeAll(name: string) {
    const last = randomUUID();
    channel.sendToQueue(name, Buffer.from('null'), { messageId: last });
    await channel.waitForConfirms();
    const messages: GetMessage[] = [];
    for (;;) {
      const message = await channel.get(name, { noAck: true });
      if (message && message.properties.messageId === last) return messages;
      if (message) messages.push(message);
    }
  }

  return {
    /** Every event so far; one delivered twice is here twice. */
    events,
    eventsOf: (orderId: string) => events.filter((event) => event.orderId === orderId),

    /** As the gateway publishes them; a string goes as it is. */
    publish: (...bodies: (object | string)[]) => send(bodies),
    /** As if it had been tried so often already. */
    publishAgain: (body: object, attempts: number) => send([body], { 'x-attempt': attempts }),
    /** To `payments.due`, as orders publishes it for itself. */
    publishDue: (...bodies: (object | string)[]) => send(bodies, {}, PAYMENTS_DUE),

    /** Messages that no consumer has. */
    waiting,
    untaken: () => waiting(ORDERS_PLACED.queue),
    onRetrySteps,
    inLine: async () => (await waiting(ORDERS_PLACED.queue)) + (await onRetrySteps()),

    /** Takes what waits in `orders.placed`; all that a worker gave back is ahead of a message that is sent now. */
    takeAll: (work: WorkQueue = ORDERS_PLACED) => takeAll(work.queue),
    /** Takes all dead letters away. */
    deadLetters: async (work: WorkQueue = ORDERS_PLACED) =>
      (await takeAll(deadLetterQueue(work))).map(({ content, properties }) => ({
        body: String(content),
        reason: String(properties.headers?.['x-reason']),
      })),
  };
}
