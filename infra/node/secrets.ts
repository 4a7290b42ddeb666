// The one-shot `secrets` of docker-compose.yml: makes every secret at the first start and gives each container its own,
// in the folder of the volume that this container alone mounts. Later starts change no secret.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const DIR = process.argv[2] ?? '/secrets';
const NAMES = ['postgres', 'orders', 'inventory', 'payment', 'redis', 'rabbitmq', 'bank', 'buyers', 'admins'] as const;

const kept = join(DIR, 'all.json');
const secrets: Record<(typeof NAMES)[number], string> = {
  ...Object.fromEntries(NAMES.map((name) => [name, randomBytes(32).toString('hex')])),
  ...(existsSync(kept) && JSON.parse(readFileSync(kept, 'utf8'))),
};
write('all.json', JSON.stringify(secrets), 0o600);

const database = (name: 'orders' | 'inventory' | 'payment') =>
  `postgres://${name}:${secrets[name]}@postgres:5432/${name}`;
const redis = { REDIS_URL: `redis://:${secrets.redis}@redis:6379` };
const amqp = { AMQP_URL: `amqp://flashsale:${secrets.rabbitmq}@rabbitmq:5672` };
const bank = { BANK_API_KEY: secrets.bank };
const token = { BUYER_TOKEN_SECRET: secrets.buyers, ADMIN_TOKEN_SECRET: secrets.admins };
const stores = {
  ...redis,
  ORDERS_DATABASE_URL: database('orders'),
  INVENTORY_DATABASE_URL: database('inventory'),
  PAYMENT_DATABASE_URL: database('payment'),
  ...bank,
};

const environments: Record<string, Record<string, string>> = {
  gateway: { ...redis, ...amqp, ...token },
  orders: { DATABASE_URL: database('orders'), ...amqp },
  inventory: { DATABASE_URL: database('inventory') },
  payment: { DATABASE_URL: database('payment'), ...bank },
  bank,
  demo: { ...stores, ...amqp, ...token },
  audit: { ...stores, ...amqp },
  token,
  buyers: { ...bank, ...token },
};
for (const [container, variables] of Object.entries(environments)) {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  write(`${container}/env`, lines.join(''));
}
for (const name of ['postgres', 'orders', 'inventory', 'payment'] as const) write(`postgres/${name}`, secrets[name]);
write('redis/redis.conf', `requirepass ${secrets.redis}\n`);
write('redis/password', secrets.redis);
write('rabbitmq/rabbitmq.conf', `default_user = flashsale\ndefault_pass = ${secrets.rabbitmq}\n`);
console.log(`secrets of ${NAMES.length} parties are in place`);

/** By default readable for all, because the servers' images have users of their own. */
function write(path: string, content: string, mode = 0o444): void {
  const file = join(DIR, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, content, { mode });
  renameSync(`${file}.new`, file);
}
