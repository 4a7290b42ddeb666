// A refusal as RFC 9457 wants it, and nothing of our insides in it.
import assert from 'node:assert/strict';

export async function assertProblem(
  response: Response,
  status: number,
  kind: string,
): Promise<Record<string, unknown>> {
  const text = await response.text();
  const what = `${response.url}: ${response.status} ${text}`;
  assert.equal(response.status, status, what);
  assert.equal(response.headers.get('content-type'), 'application/problem+json', what);
  assert.equal(response.headers.get('cache-control'), 'no-store', what);
  assert.doesNotMatch(text, /node_modules|\.[jt]s:\d+|\bat \w+ \(|Error:/, what);
  const problem = JSON.parse(text) as Record<string, unknown>;
  assert.equal(problem.type, `/problems/${kind}`, what);
  assert.equal(problem.status, status, what);
  assert.ok(typeof problem.title === 'string' && problem.title, what);
  return problem;
}

/** With sale and epoch: without them, the gate cannot decide that an order never was. */
export function assertLocation(location: string | null, orderId: unknown, saleId: string, epoch = '[1-9]\\d*') {
  assert.match(location ?? '', new RegExp(`^/v1/orders/${orderId}\\?sale=${saleId}&epoch=${epoch}$`));
}
