// A stack that runs already: where GATEWAY_URL is set, the environment names all of it, as in `docker compose run demo`.
import type { StackInfo } from '../native/stack.ts';

/** What a demo must know of the stack it runs on. */
export type NamedStack = Pick<
  StackInfo,
  'gatewayUrl' | 'bankUrl' | 'bankApiKey' | 'tokenSecret' | 'redisUrl' | 'amqpUrl' | 'databases'
>;

const ANSWER_MS = 5_000;

export const isStackNamed = (env = process.env) => Boolean(env.GATEWAY_URL);

export async function namedStack(env = process.env): Promise<NamedStack> {
  const of = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`GATEWAY_URL names a running stack, so ${name} must be set too`);
    return value;
  };
  const gatewayUrl = of('GATEWAY_URL');
  await fetch(new URL('/v1/sales', gatewayUrl), { signal: AbortSignal.timeout(ANSWER_MS) }).catch((error) => {
    throw new Error(`no shop answers at ${gatewayUrl} (${error.cause?.message ?? error.message}): is it up?`);
  });
  return {
    gatewayUrl,
    bankUrl: of('BANK_URL'),
    bankApiKey: of('BANK_API_KEY'),
    tokenSecret: of('TOKEN_SECRET'),
    redisUrl: of('REDIS_URL'),
    amqpUrl: of('AMQP_URL'),
    databases: {
      orders: of('ORDERS_DATABASE_URL'),
      inventory: of('INVENTORY_DATABASE_URL'),
      payment: of('PAYMENT_DATABASE_URL'),
    },
  };
}
