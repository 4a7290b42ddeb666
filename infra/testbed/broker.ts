// What an operator does to a broker, for tests: through the management API, in one virtual host.

export type Broker = ReturnType<typeof openBroker>;

export function openBroker(vhost: string, managementUrl = process.env.TEST_RABBIT_MANAGEMENT_URL ?? '') {
  const { username, password, origin } = new URL(managementUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await fetch(`${origin}/api/${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

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
