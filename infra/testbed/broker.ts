// What an operator does to a broker, for tests: through the management API, in one virtual host.
import { managementApi } from '../native/namespace.ts';

export type Broker = ReturnType<typeof openBroker>;

export function openBroker(vhost: string, managementUrl = process.env.TEST_RABBIT_MANAGEMENT_URL ?? '') {
  const call = managementApi(managementUrl);

  return {
    /** With its messages and its consumers: each consumer is told that it was cancelled. */
    deleteQueue: (queue: string) => call('DELETE', `queues/${vhost}/${queue}`),
    /** Loses what waits in it. */
    purge: (queue: string) => call('DELETE', `queues/${vhost}/${queue}/contents`),
    /** What the broker says of it. */
    queue: (queue: string) =>
      call('GET', `queues/${vhost}/${queue}`) as Promise<{
        durable: boolean;
        type: string;
        arguments: Record<string, unknown>;
      }>,
    /** The binding whose key is the queue's own name. */
    unbind: (exchange: string, queue: string) => call('DELETE', `bindings/${vhost}/e/${exchange}/q/${queue}/${queue}`),
    bind: (exchange: string, queue: string) =>
      call('POST', `bindings/${vhost}/e/${exchange}/q/${queue}`, { routing_key: queue }),
    /** From now on these queues refuse what would make them longer. */
    limit: (queue: string, most: number) =>
      call('PUT', `policies/${vhost}/limit`, {
        pattern: `^${queue.replaceAll('.', '\\.')}$`,
        definition: { 'max-length': most, overflow: 'reject-publish' },
        'apply-to': 'queues',
      }),
    unlimit: () => call('DELETE', `policies/${vhost}/limit`),
    /** Puts a message into a queue, as somebody else would. */
    put: (queue: string, body: object) =>
      call('POST', `exchanges/${vhost}/amq.default/publish`, {
        properties: { delivery_mode: 2 },
        routing_key: queue,
        payload: JSON.stringify(body),
        payload_encoding: 'string',
      }),
  };
}
