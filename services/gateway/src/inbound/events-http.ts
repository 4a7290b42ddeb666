// The course of an order as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
import type { Request, Response } from 'express';
import { z } from 'zod';
import { isOver } from '../domain/follow-order.ts';
import { type FoundOrder, isFinal } from '../domain/order-view.ts';
import { fromOrder } from './bodies.ts';
import { BUYER_TOKEN, type Operation, problems, READ_PROBLEMS } from './openapi.ts';
import { findOwn, type ListeningPorts, ONE_ORDER, type OrdersPorts, orderRefOf, whenGone } from './orders-http.ts';
import { Problem } from './problems.ts';

const RETRY_MS = 1_000;
/** How much may wait for a slow reader before its stream is cut. */
const MOST_UNREAD_BYTES = 65_536;
/** A token ends, and so does what it opened; the client comes again with `Last-Event-ID`. */
const LONGEST_MS = 300_000;

export type EventsPorts = Pick<OrdersPorts, 'authenticate' | 'findOrder'> & ListeningPorts & { heartbeatMs: number };

export const EVENTS: Operation<EventsPorts>[] = [
  {
    method: 'get',
    path: '/v1/orders/{orderId}/events',
    summary: 'The course of an order as server-sent events, until it is final and no refund is owed',
    ...BUYER_TOKEN,
    requestParams: {
      header: z.object({ 'Last-Event-ID': z.string().optional().describe('The last event that the caller has') }),
      ...ONE_ORDER,
    },
    responses: {
      200: {
        description: 'Events named `order`; the data of each is an Order',
        content: { 'text/event-stream': { schema: z.string() } },
      },
      204: { description: 'The caller has the last event, and it was the final one' },
      ...problems(READ_PROBLEMS),
    },
    handle: sendEvents,
  },
];

async function sendEvents(request: Request<{ orderId: string }>, response: Response, ports: EventsPorts) {
  const ref = orderRefOf(request, ports);
  const order = await findOwn(ref, ports);
  const lastId = request.get('last-event-id');
  // Ends an EventSource for good; after a 200 it would reconnect for ever.
  if (isOver(order) && eventId(order) === lastId) return void response.status(204).end();
  if (!ports.listeners.enter(ref.buyerId)) throw new Problem('busy');
  const heartbeat = setInterval(() => send(response, ':\n\n'), ports.heartbeatMs);
  try {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    send(response, `retry: ${RETRY_MS}\n\n`);
    if (request.method === 'HEAD') return;
    const signal = AbortSignal.any([whenGone(response), ports.stopping, AbortSignal.timeout(LONGEST_MS)]);
    await sendCourse(response, lastId, ports.followOrder(ref, signal), ref.mintedAtMs);
  } finally {
    clearInterval(heartbeat);
    ports.listeners.leave(ref.buyerId);
    response.end();
  }
}

/** Sends what is new to this reader. */
async function sendCourse(
  response: Response,
  lastId: string | undefined,
  course: AsyncIterable<FoundOrder>,
  mintedAtMs: number,
) {
  let sent = lastId;
  for await (const order of course) {
    const id = eventId(order);
    if (id === sent) continue;
    sent = id;
    send(response, `event: order\nid: ${id}\ndata: ${JSON.stringify(fromOrder(order, mintedAtMs))}\n\n`);
  }
}

/** The version, and the position in the queue while there is one. */
const eventId = (order: FoundOrder) =>
  isFinal(order) ? `${order.version}` : `${order.version}-${order.waiting?.position ?? ''}`;

function send(response: Response, text: string) {
  if (!response.write(text) && response.writableLength > MOST_UNREAD_BYTES) response.destroy();
}
