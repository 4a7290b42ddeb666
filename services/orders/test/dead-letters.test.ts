// A message that is no order becomes a dead letter, once, with its reason, and holds up no other.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { OrderCommand } from '@flashsale/contracts/messages';
import { anOrder } from '../../../infra/testbed/samples.ts';
import { until } from '../../../infra/until.ts';
import { openEnvironment } from './environment.ts';

const { atRest, broker, openSale, rowsOf, startWorker } = await openEnvironment();
const worker = await startWorker({ LANES: '1', BATCH: '100' });

const unknownSale = { id: randomUUID(), epoch: 1 };
const without = (field: string) =>
  Object.fromEntries(Object.entries(anOrder(unknownSale)).filter(([name]) => name !== field));
const wrong = (fields: object) => ({ ...anOrder(unknownSale), ...fields });

/** A field that was added later has a default, for messages from before. */
const required = Object.entries(OrderCommand.shape).flatMap(([field, schema]) =>
  schema.safeParse(undefined).success ? [] : [field],
);
/** The reason and the message. */
const bad: [reason: RegExp, body: object | string][] = [
  [/^not JSON$/, 'buy me one'],
  [/^not JSON$/, ''],
  [/^not JSON$/, JSON.stringify(anOrder(unknownSale)).slice(0, -1)],
  [/^body: /, 'null'],
  [/^body: /, '[]'],
  [/^body: /, '"order"'],
  ...required.map((field): [RegExp, object] => [new RegExp(`^${field}: `), without(field)]),
  [/^orderId: /, wrong({ orderId: '12' })],
  [/^saleId: /, wrong({ saleId: 7 })],
  [/^buyerId: /, wrong({ buyerId: '' })],
  [/^buyerId: /, wrong({ buyerId: 'a\0b' })],
  [/^buyerId: /, wrong({ buyerId: 'two\nlines' })],
  [/^quantity: /, wrong({ quantity: '1' })],
  [/^quantity: /, wrong({ quantity: 0 })],
  [/^quantity: /, wrong({ quantity: 1.5 })],
  [/^quantity: /, wrong({ quantity: 2 ** 31 })],
  [/^epoch: /, wrong({ epoch: null })],
  [/^deadlineMs: /, wrong({ deadlineMs: 'tomorrow' })],
  [/^mode: /, wrong({ mode: 'by post' })],
  [/^orderId: .*; quantity: /, wrong({ orderId: 'x', quantity: -1 })],
];

test('each message that is no order is dead-lettered once with its reason, among good ones that are fulfilled', async () => {
  const sale = await openSale(bad.length);
  const orders = bad.map(() => anOrder(sale));
  const first = anOrder(unknownSale);
  const held = worker.inventory.hold('reserve', 'there');
  await broker.publish(first);
  await held.reached();
  for (const [index, [, body]] of bad.entries()) await broker.publish(body, orders[index] ?? assert.fail());
  await until('all are delivered', async () => (await broker.untaken()) === 0);
  held.letGo();

  const ends = await atRest(sale, orders.length);
  assert.ok(Object.values(ends).every((end) => end === 'confirmed'));
  await worker.stop();
  assert.deepEqual(await broker.takeAll(), []);
  const letters = await broker.deadLetters();
  assert.equal(letters.length, bad.length);
  for (const [reason, body] of bad) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const found = letters.filter((letter) => letter.body === text);
    assert.equal(found.length, 1, text);
    assert.match(String(found[0]?.reason), reason, text);
  }
  assert.deepEqual(await rowsOf(unknownSale).then((rows) => rows.map(({ orderId }) => orderId)), [first.orderId]);
});

test('a field of a newer contract is ignored, and the order is carried out', async (t) => {
  await startWorker({}, t);
  const sale = await openSale(1);
  const order = anOrder(sale);
  await broker.publish({ ...order, fromTomorrow: true });
  assert.deepEqual(await atRest(sale, 1), { [order.orderId]: 'confirmed' });
  assert.deepEqual(await broker.deadLetters(), []);
});
