// The load generator against a server of the test's own.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { outcomeOf } from '../clients/outcome.ts';
import { createGenerator } from './generator.ts';
import type { Tally } from './thread.ts';

const generator = createGenerator();
after(() => generator.stop());

type Handler = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

async function shopOf(t: TestContext, handle: Handler): Promise<string> {
  let clicks = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => handle(request, response, ++clicks));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `token-${i}`);

test('each buyer clicks once, and a shop that does not respond delays no other click', async (t) => {
  const seen: string[] = [];
  const gatewayUrl = await shopOf(t, (request, response, nth) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    if (nth > 50) response.writeHead(202, { location: `/v1/orders/order-${nth}` }).end('{}');
  });
  const tokens = names(200);
  const order = { gatewayUrl, saleId: 'a-sale', tokens, seconds: 0.4, timeoutMs: 1_000 };
  const { clicks } = await generator.send(order);

  assert.deepEqual(seen.toSorted(), tokens.map((token) => `POST /v1/sales/a-sale/orders Bearer ${token}`).toSorted());
  const unknown = clicks.filter((click) => outcomeOf(click) === 'unknown');
  assert.equal(unknown.length, 50);
  assert.ok(unknown.every(({ timedOut, responseMs }) => timedOut && responseMs >= 900));
  const yes = clicks.filter((click) => outcomeOf(click) === 'yes');
  assert.equal(yes.length, 150);
  assert.equal(new Set(yes.map(({ orderId }) => orderId)).size, 150);
  assert.ok(
    yes.every(({ responseMs, lateMs }) => responseMs >= lateMs),
    'waiting counts from when the click was due',
  );
});

test('an order is taken from a yes and from an unknown outcome, not from a refusal that names one', async (t) => {
  const problems = ['outcome-unknown', 'already-bought', 'sold-out', 'order-rejected'];
  const statuses = [504, 409, 410, 409];
  const gatewayUrl = await shopOf(t, (_request, response, nth) => {
    const problem = `{"type":"/problems/${problems[nth - 1]}","title":"-","reason":"timed_out"}`;
    response.writeHead(statuses[nth - 1] ?? 500, { location: `/v1/orders/order-${nth}` }).end(problem);
  });
  const tallies: Tally[] = [];
  const watch = { tally: (tally: Tally) => tallies.push(tally) };
  const order = { gatewayUrl, saleId: 's', tokens: names(4), seconds: 0.4, timeoutMs: 1_000 };
  const { clicks } = await generator.send(order, watch);
  const outcomes = clicks.map((click) => [outcomeOf(click), click.orderId]);
  assert.deepEqual(outcomes, [
    ['unknown', 'order-1'],
    ['limit', null],
    ['soldOut', null],
    ['tooLate', null],
  ]);
  assert.deepEqual(tallies.at(-1), { sent: 4, yes: 0, refused: 3, other: 1 });
});

test('a connection that breaks is an error, and the load goes on', async (t) => {
  const gatewayUrl = await shopOf(t, (request, response, nth) => {
    if (nth === 1) request.socket.destroy();
    else response.writeHead(410).end('{"type":"/problems/sold-out"}');
  });
  const order = { gatewayUrl, saleId: 's', tokens: names(5), seconds: 0.2, timeoutMs: 1_000 };
  const { clicks, lastClickAt } = await generator.send(order);
  assert.deepEqual(clicks.map(outcomeOf), ['error', 'soldOut', 'soldOut', 'soldOut', 'soldOut']);
  assert.ok(clicks.every(({ respondedAt }) => respondedAt >= lastClickAt - 1_000));
});

test('a server that is frozen for 2 s: each click is still due, sent and counted, its wait shows it', async (t) => {
  const [perSecond, seconds, frozenMs] = [100, 3, 2_000];
  const seen: string[] = [];
  let frozenFrom = 0;
  const gatewayUrl = await shopOf(t, (request, response, nth) => {
    seen.push(request.headers.authorization ?? '');
    if (nth === perSecond / 2) {
      frozenFrom = Date.now();
      // The server is this thread, and the generator has its own.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, frozenMs);
    }
    response.writeHead(202).end('{}');
  });
  const tokens = names(perSecond * seconds);
  const load = { gatewayUrl, saleId: 's', tokens, seconds, timeoutMs: 10_000 };
  const { clicks, requests, statuses, latencyMs } = await generator.send(load);

  assert.deepEqual(seen.toSorted(), tokens.map((token) => `Bearer ${token}`).toSorted());
  assert.deepEqual([requests, statuses], [tokens.length, { 202: tokens.length }]);
  const isFrozenAt = (ms: number) => ms >= frozenFrom && ms < frozenFrom + frozenMs;
  const due = clicks.filter(({ respondedAt, responseMs }) => isFrozenAt(respondedAt - responseMs));
  assert.ok(due.length > (0.9 * perSecond * frozenMs) / 1_000, `${due.length} were due`);
  const sent = due.filter(({ respondedAt, responseMs, lateMs }) => isFrozenAt(respondedAt - responseMs + lateMs));
  assert.ok(sent.length > 0.8 * due.length, `${sent.length} of ${due.length} sent, the others after the freeze`);
  const untilThaw = ({ respondedAt, responseMs }: (typeof due)[0]) =>
    frozenFrom + frozenMs - (respondedAt - responseMs);
  assert.ok(due.every((click) => click.responseMs > untilThaw(click) - 50));
  assert.ok(latencyMs.max > 0.9 * frozenMs, JSON.stringify(latencyMs));
});

test('each connection clicks again after its response, for a time or for a number of clicks', async (t) => {
  let [open, most] = [0, 0];
  const gatewayUrl = await shopOf(t, (_request, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open -= 1;
      response.writeHead(202).end('{}');
    }, 5);
  });
  const load = { gatewayUrl, saleId: 's', tokens: names(3), timeoutMs: 1_000, connections: 8, keep: false };
  const enough = await generator.send({ ...load, seconds: 60, clicks: 100 });
  assert.deepEqual([enough.statuses, enough.clicks, most], [{ 202: 100 }, [], 8]);
  const forATime = await generator.send({ ...load, seconds: 0.3 });
  assert.ok(forATime.seconds >= 0.3 && forATime.seconds < 2, `${forATime.seconds} s`);
  assert.ok(forATime.requests > 8 && forATime.requests <= (8 * forATime.seconds) / 0.004, `${forATime.requests}`);
});

test('a load that is aborted ends at once, whatever is in flight, and another can follow', async (t) => {
  let isResponding = false;
  const gatewayUrl = await shopOf(t, (_request, response) => {
    if (isResponding) response.writeHead(202).end('{}');
  });
  const load = { gatewayUrl, saleId: 's', tokens: names(4), seconds: 0.1, timeoutMs: 60_000 };
  const abort = new AbortController();
  await assert.rejects(
    generator.send(load, { lastClick: () => abort.abort(new Error('enough')), signal: abort.signal }),
    /enough/,
  );
  isResponding = true;
  assert.deepEqual((await generator.send(load)).statuses, { 202: 4 });
});

test('a timetable may end when too many clicks are in flight', async (t) => {
  const gatewayUrl = await shopOf(t, (_request, response) => setTimeout(() => response.writeHead(202).end('{}'), 500));
  const load = { gatewayUrl, saleId: 's', tokens: names(100), seconds: 0.5, timeoutMs: 10_000, maxInFlight: 5 };
  assert.deepEqual((await generator.send(load)).statuses, { 202: 6 });
});
