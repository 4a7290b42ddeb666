// All routes of the public port.
import type { Router } from 'express';
import { type EventsRoutes, eventsRouter } from './events-http.ts';
import { type HoldsRoutes, holdsRouter } from './holds-http.ts';
import { openapiRouter } from './openapi.ts';
import { type OrdersRoutes, ordersRouter } from './orders-http.ts';
import { type SalesRoutes, salesRouter } from './sales-http.ts';

export const createRouters = (routes: OrdersRoutes & HoldsRoutes & EventsRoutes & SalesRoutes): Router[] => [
  ordersRouter(routes),
  holdsRouter(routes),
  eventsRouter(routes),
  salesRouter(routes),
  openapiRouter(),
];
