// An order's course as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
import { type Response, Router } from 'express';
import type { Standing } from '../domain/find-order.ts';
import { isFinal } from '../domain/order-view.ts';
import { fromOrder } from './bodies.ts';
import { type Listening, whenGone } from './listening.ts';
import { type FindOrder, ownOrder } from './own-order.ts';
import { Problem } from './problems.ts';
import type { Authenticate } from './token.ts';

const RETRY_MS = 1_000;
/** What a reader may leave unread before it is let go. */
const MOST_UNREAD_BYTES = 65_536;
/** A token ends, and so does what it opened; whoever still wants to know comes again with `Last-Event-ID`. */
const LONGEST_MS = 300_000;

export interface EventsRoutes {
  authenticate: Authenticate;
  findOrder: FindOrder;
  listening: Listening;
  heartbeatMs: number;
}

export function eventsRouter({ authenticate, findOrder, listening, heartbeatMs }: EventsRoutes): Router {
  const { follow, listeners, leaving } = listening;
  const router = Router();

  router.get('/v1/orders/:orderId/events', async (request, response) => {
    const { asked, order } = await ownOrder(request, authenticate, findOrder);
    const lastId = request.get('last-event-id');
    // Tells an EventSource that there is nothing more to come, where a 200 would bring it back for ever.
    if (isFinal(order) && eventId(order) === lastId) return void response.status(204).end();
    if (!listeners.enter(asked.buyerId)) throw new Problem('busy');
    const heartbeat = setInterval(() => send(response, ':\n\n'), heartbeatMs);
    try {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      send(response, `retry: ${RETRY_MS}\n\n`);
      if (request.method === 'HEAD') return;
      const signal = AbortSignal.any([whenGone(response), leaving, AbortSignal.timeout(LONGEST_MS)]);
      await tell(response, lastId, follow(asked, signal), asked.mintedAtMs);
    } finally {
      clearInterval(heartbeat);
      listeners.leave(asked.buyerId);
      response.end();
    }
  });

  return router;
}

/** Says what is new to this reader. */
async function tell(
  response: Response,
  lastId: string | undefined,
  course: AsyncIterable<Standing>,
  mintedAtMs: number,
) {
  let told = lastId;
  for await (const order of course) {
    const id = eventId(order);
    if (id === told) continue;
    told = id;
    send(response, `event: order\nid: ${id}\ndata: ${JSON.stringify(fromOrder(order, mintedAtMs))}\n\n`);
  }
}

/** A final order's version; before that, its place in line. */
const eventId = (order: Standing) => (isFinal(order) ? `${order.version}` : `0-${order.line?.position ?? ''}`);

function send(response: Response, text: string) {
  if (!response.write(text) && response.writableLength > MOST_UNREAD_BYTES) response.destroy();
}
