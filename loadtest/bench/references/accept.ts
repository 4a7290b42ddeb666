// Reference (b): the least that a yes takes. The same token check, the gate's own script, a confirmed publish, 202.
// PORT, REDIS_URL, AMQP_URL and BUYER_TOKEN_SECRET are its addresses and key; each of SALE_IDS has a gate with ample stock.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mintId } from '@flashsale/contracts/fields';
import { keyOf, keysIn } from '@flashsale/contracts/keys';
import { declareTopology, ORDERS_PLACED } from '@flashsale/contracts/topology';
import amqp from 'amqplib';
import { createVerifier } from 'fast-jwt';
import { Redis } from 'ioredis';
import { ROOT } from '../../../infra/native/leftovers.ts';

const { PORT, REDIS_URL = '', AMQP_URL = '', BUYER_TOKEN_SECRET: key = '', SALE_IDS = '' } = process.env;
const [DAY_MS, DECIDE_WITHIN_MS, ADMIT_WITHIN_MS, UNSENT_DUE_MS] = [86_400_000, 600_000, 3_000, 10_000];
const GATE = { epoch: 1, tickets: 1_000_000_000, closed: 0, opensAt: 0 };

/** The gateway's own script, and the keys that it names. */
const read = (name: string) => readFileSync(join(ROOT, `services/gateway/src/outbound/gate/${name}.lua`), 'utf8');
const lua = read('common') + read('admit');
const KEYS = keysIn(read('admit'));
const scripts = { admit: { numberOfKeys: KEYS.length, lua } };
const redis = new Redis(REDIS_URL, { scripts, enableAutoPipelining: true });
const { admit } = redis as unknown as { admit(...args: (string | number)[]): Promise<[string]> };
const [, history = ''] = /master_replid:(\w+)/.exec(await redis.info('replication')) ?? [];
for (const saleId of SALE_IDS.split(',')) {
  await redis.hset(keyOf(saleId, 'gate'), { ...GATE, history, closesAt: Date.now() + DAY_MS });
}

const channel = await (await amqp.connect(AMQP_URL, { noDelay: true })).createConfirmChannel();
await declareTopology(channel);
channel.on('return', () => {
  throw new Error('no queue took the order');
});
const publish = promisify(channel.publish.bind(channel));

const requiredClaims = ['sub', 'aud', 'exp'];
const checks = { allowedAud: 'flashsale-buyers', requiredClaims, cache: false };
const verify = createVerifier({ ...checks, key, algorithms: ['HS256'] });

createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  request.on('end', async () => {
    const orderId = await accept(request, text).catch(() => undefined);
    if (!orderId) return response.writeHead(409).end();
    const body = JSON.stringify({ orderId, status: 'queued' });
    const headers = {
      Location: `/v1/orders/${orderId}`,
      'Cache-Control': 'no-store',
      'Retry-After': '1',
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    };
    response.writeHead(202, headers).end(body);
  });
}).listen(Number(PORT), '127.0.0.1', 4_096);

/** The order's id; undefined for a click that is not let in. */
async function accept({ url = '', headers }: IncomingMessage, text: string): Promise<string | undefined> {
  const { sub: buyerId } = verify((headers.authorization ?? '').slice('Bearer '.length));
  const saleId = url.split('/')[3] ?? '';
  const { quantity = 1 } = JSON.parse(text);
  const [orderId, now] = [mintId(), Date.now()];
  const fresh = { epoch: GATE.epoch, mode: 'queued', deadlineMs: now + DECIDE_WITHIN_MS };
  const command = JSON.stringify({ orderId, saleId, buyerId, quantity, ...fresh });
  const about = { state: 'unsent', claimed: false, attempts: 0, quantity, buyerId };
  const record = JSON.stringify({ ...about, command: JSON.stringify(fresh) });
  const keys = KEYS.map((name) => keyOf(saleId, name));
  const args = [GATE.epoch, orderId, buyerId, quantity, record, now + ADMIT_WITHIN_MS, UNSENT_DUE_MS, ''];
  const [kind] = await admit.call(redis, ...keys, ...args);
  if (kind !== 'admitted') return undefined;
  const properties = { persistent: true, mandatory: true, contentType: 'application/json', messageId: orderId };
  await publish(ORDERS_PLACED.exchange, ORDERS_PLACED.queue, Buffer.from(command), properties);
  return orderId;
}
