// The parts of a work queue, as the broker reports them; and the one place where a message is given back.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deadLetterQueue, openBroker, retryQueue } from './broker.ts';

const broker = await openBroker();
after(() => broker.close());

test('every queue of work is a durable quorum queue without a limit on deliveries that would lose a message', async () => {
  const work = broker.workQueue();
  await broker.declare(work);
  await broker.declare(work);
  const steps = work.retryDelaysMs.map((delayMs) => retryQueue(work, delayMs));
  for (const queue of [work.queue, deadLetterQueue(work), ...steps]) {
    const { durable, type, arguments: given } = await broker.management.queue(queue);
    assert.deepEqual([durable, type], [true, 'quorum']);
    assert.equal(given['x-delivery-limit'], 1_000_000);
  }
  assert.equal((await broker.management.queue(work.queue)).arguments['x-overflow'], 'reject-publish');
});

test('a retry step hands back to its queue at least once', async () => {
  const work = broker.workQueue();
  await broker.declare(work);
  for (const delayMs of work.retryDelaysMs) {
    const { arguments: given } = await broker.management.queue(retryQueue(work, delayMs));
    assert.equal(given['x-message-ttl'], delayMs);
    assert.equal(given['x-dead-letter-exchange'], work.exchange);
    assert.equal(given['x-dead-letter-routing-key'], work.queue);
    // Without the second the first silently means at most once.
    assert.equal(given['x-dead-letter-strategy'], 'at-least-once');
    assert.equal(given['x-overflow'], 'reject-publish');
  }
});

test('a message is given back with nack at one place, for what has no retry steps, and nowhere with reject or recover', () => {
  const services = fileURLToPath(new URL('../..', import.meta.url));
  const found = readdirSync(services, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name.includes('/src/') && !name.includes('node_modules'))
    .flatMap((name) => {
      const given = readFileSync(`${services}/${name}`, 'utf8').matchAll(/channel\.(nack|nackAll|reject|recover)\(/g);
      return [...given].map(([call]) => `${name}: ${call}`);
    });
  assert.deepEqual(found, ['messaging/src/verdicts.ts: channel.nack(']);
});
