// node loadtest/course/write-venue.ts FILE: the venue of the stack that the environment names, with BUYERS buyers; for
// containers, where k6 is started by the compose file.
import { z } from 'zod';
import { writeVenue } from './venue.ts';

/** Beside it in its volume is nothing, and who may mount that is k6 alone, whose user is another one. */
const READABLE = 0o444;

const given = z
  .object({
    GATEWAY_URL: z.url(),
    BANK_URL: z.url(),
    BANK_API_KEY: z.string(),
    TOKEN_SECRET: z.string(),
    ORDERS_ADDRESS: z.string(),
    INVENTORY_ADDRESS: z.string(),
    PAYMENT_ADDRESS: z.string(),
    BUYERS: z.coerce.number().int().min(1),
  })
  .parse(process.env);

const file = process.argv[2];
if (!file) throw new Error('usage: node loadtest/course/write-venue.ts FILE');
const stack = {
  gatewayUrl: given.GATEWAY_URL,
  bankUrl: given.BANK_URL,
  bankApiKey: given.BANK_API_KEY,
  tokenSecret: given.TOKEN_SECRET,
  addresses: {
    orders: given.ORDERS_ADDRESS,
    inventory: given.INVENTORY_ADDRESS,
    payment: given.PAYMENT_ADDRESS,
  },
};
writeVenue(file, stack, given.BUYERS, READABLE);
console.log(`${given.BUYERS} buyers have their tokens`);
