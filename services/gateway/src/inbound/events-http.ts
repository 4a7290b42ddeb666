// An order's course as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
import { type Response, Router } from 'express';
import type { FoundOrder } from '../domain/find-order.ts';
import { isOver } from '../domain/follow-order.ts';
import { isFinal } from '../domain/order-view.ts';
import { fromOrder } from './bodies.ts';
import { type Listening, whenGone } from './listening.ts';
import { type FindOrder, findOwn, orderRefOf } from './own-order.ts';
import { Problem } from './problems.ts';
import type { Authenticate } from './token.ts';

const RETRY_MS = 1_000;
/** What a reader may leave unread before it is let go. */
const MOST_UNREAD_BYTES = 65_536;
/** A token ends, and so does what it opened; the client comes again with `Last-Event-ID`. */
const LONGEST_MS = 300_000;

export interface EventsRoutes extends Listening {
  authenticate: Authenticate;
  findOrder: FindOrder;
  heartbeatMs: number;
}

export function eventsRouter(routes: EventsRoutes): Router {
  const { authenticate, findOrder, followOrder, listeners, stopping, heartbeatMs } = routes;
  const router = Router();

  router.get('/v1/orders/:orderId/events', async (request, response) => {
    const ref = orderRefOf(request, authenticate);
    const order = await findOwn(ref, findOrder);
    const lastId = request.get('last-event-id');
    // Tells an EventSource that there is nothing more to come, where a 200 would bring it back for ever.
    if (isOver(order) && eventId(order) === lastId) return void response.status(204).end();
    if (!listeners.enter(ref.buyerId)) throw new Problem('busy');
    const heartbeat = setInterval(() => send(response, ':\n\n'), heartbeatMs);
    try {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      send(response, `retry: ${RETRY_MS}\n\n`);
      if (request.method === 'HEAD') return;
      const signal = AbortSignal.any([whenGone(response), stopping, AbortSignal.timeout(LONGEST_MS)]);
      await sendCourse(response, lastId, followOrder(ref, signal), ref.mintedAtMs);
    } finally {
      clearInterval(heartbeat);
      listeners.leave(ref.buyerId);
      response.end();
    }
  });

  return router;
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

/** The version, and the place in line while there is one. */
const eventId = (order: FoundOrder) =>
  isFinal(order) ? `${order.version}` : `${order.version}-${order.waiting?.position ?? ''}`;

function send(response: Response, text: string) {
  if (!response.write(text) && response.writableLength > MOST_UNREAD_BYTES) response.destroy();
}
