// RabbitMQ's management API, as an operator speaks to it.
export type Management = ReturnType<typeof managementApi>;

export function managementApi(url: string) {
  const { username, password, origin } = new URL(url);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  /** Throws what the broker refuses, with the status as its cause. */
  return async (method: string, path: string, body?: object, signal?: AbortSignal): Promise<unknown> => {
    const answer = await fetch(`${origin}/api/${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`, { cause: answer.status });
    return text ? JSON.parse(text) : undefined;
  };
}

/** For what may be gone already: undefined then. */
export async function ifThere(asked: Promise<unknown>): Promise<unknown> {
  return asked.catch((error) => {
    if (error.cause !== 404) throw error;
  });
}
