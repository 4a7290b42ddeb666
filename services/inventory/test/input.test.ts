// Bad input of each kind: INVALID_ARGUMENT that names the field, and nothing written.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Sale } from '@flashsale/contracts/inventory';
import { status, statusOf } from '@flashsale/rpc/client';
import { anOrder, aSale, times } from '../../../infra/testbed/samples.ts';
import { openInventory } from './inventory.ts';

const inventory = await openInventory();
const { create, open, update, reopen, reserve, confirm, release } = inventory;

async function isRefused(request: () => Promise<unknown>, ...named: string[]) {
  const written = await everything();
  await assert.rejects(request, (error: Error) => {
    assert.equal(statusOf(error), status.INVALID_ARGUMENT);
    for (const name of named) assert.ok(error.message.includes(`${name}: `), `"${error.message}" names ${name}`);
    return true;
  });
  assert.deepEqual(await everything(), written);
}

async function everything() {
  const sales = await inventory.database.query('SELECT * FROM sales ORDER BY id');
  const reservations = await inventory.database.query('SELECT * FROM reservations ORDER BY order_id');
  return [sales.rows, reservations.rows];
}

const badSales: [field: string, wrong: Partial<Sale>[]][] = [
  ['id', [{ id: '' }, { id: '12' }, { id: `${randomUUID()}0` }]],
  ['sku', [{ sku: '' }, { sku: 'x'.repeat(65) }, { sku: 'a\0b' }]],
  ['title', [{ title: '' }, { title: 'x'.repeat(201) }, { title: 'one\ntwo' }]],
  ['price', [{ price: undefined }]],
  ['price.amount_minor', [{ price: { amountMinor: 0, currency: 'CNY' } }]],
  ['price.currency', ['', 'cny', 'CN', 'CNYX', '¥¥¥'].map((currency) => ({ price: { amountMinor: 1, currency } }))],
  ['stock', [{ stock: 0 }, { stock: -1 }, { price: { amountMinor: 2 ** 52, currency: 'CNY' }, stock: 2 }]],
  ['opens_at_ms', [{ opensAtMs: -1 }, { opensAtMs: 2 ** 52 }]],
  ['closes_at_ms', [{ closesAtMs: 0 }, { closesAtMs: aSale().opensAtMs }, { closesAtMs: 2 ** 52 }]],
  ['per_buyer_limit', [{ perBuyerLimit: 0 }, { perBuyerLimit: -1 }]],
  ['mode', [{ mode: '' }, { mode: 'QUEUED' }, { mode: 'fast' }]],
  ['checkout', [{ checkout: '' }, { checkout: 'HOLD' }, { checkout: 'later' }]],
  ['hold_seconds', [{ holdSeconds: -1 }, { holdSeconds: 86_401 }, { checkout: 'hold', holdSeconds: 0 }]],
  ['decide_within_seconds', [{ decideWithinSeconds: 0 }, { decideWithinSeconds: 86_401 }]],
];

for (const [field, sales] of badSales) {
  test(`a sale with a wrong ${field} is not created`, async () => {
    for (const wrong of sales) await isRefused(() => create(wrong), `sale.${field}`);
  });
}

test('every wrong field of a sale is named at once', async () => {
  const fields = ['id', 'title', 'price', 'stock', 'mode', 'checkout', 'closes_at_ms'].map((name) => `sale.${name}`);
  const wrong = { id: 'x', title: '', price: undefined, stock: 0, mode: '', checkout: '', closesAtMs: 1 };
  await isRefused(() => create(wrong), ...fields);
});

test('one wrong item refuses the batch, and every wrong field of every item is named', async () => {
  const sale = await open(10);
  const [good, bad, worse] = [anOrder(sale), { ...anOrder(sale), quantity: 0 }, { ...anOrder(sale), orderId: '7' }];
  await isRefused(
    () => reserve([good, bad, { ...worse, buyerId: '' }]),
    'items[1].quantity',
    'items[2].order_id',
    'items[2].buyer_id',
  );
  await isRefused(() => release([good, bad, worse]), 'items[1].quantity', 'items[2].order_id');
  await isRefused(() => confirm([good.orderId, 'no']), 'order_ids[1]');
});

test('each field of an order is checked', async () => {
  const sale = await open(10);
  const wrong = [
    ...['', 'x'].flatMap((id) => [{ orderId: id }, { saleId: id }]),
    ...['', 'x'.repeat(256), 'a\0b', 'a\nb'].map((buyerId) => ({ buyerId })),
    ...[0, -1].map((quantity) => ({ quantity })),
  ];
  const named = (field: string) => `items[0].${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
  for (const fields of wrong) {
    const order = { ...anOrder(sale), ...fields };
    const name = named(Object.keys(fields)[0] as string);
    await isRefused(() => reserve([order]), name);
    await isRefused(() => release([order]), name);
  }
});

test('epoch 0 is a sale without a gate, which cannot have admitted an order', async () => {
  const sale = await create();
  await isRefused(() => reserve([anOrder(sale)]), 'items[0].epoch');
});

test('the id of a sale must be one, in each call', async () => {
  for (const request of [() => inventory.get('x'), () => update('x', { addStock: 1 }), () => reopen('x', 0)])
    await isRefused(request, 'sale_id');
  await isRefused(() => reopen(randomUUID(), -1), 'expected_epoch');
  await isRefused(() => reopen(randomUUID(), 0, -1), 'gate_epoch');
});

test('a batch has a bound, and an error about a thousand items still arrives', async () => {
  const sale = await open(1);
  const orders = times(1_001, () => anOrder(sale));
  await isRefused(() => reserve(orders), 'items');
  await isRefused(() => confirm(orders.map(({ orderId }) => orderId)), 'order_ids');
  await isRefused(
    () => reserve(times(1_000, () => ({ ...anOrder(sale), orderId: '', quantity: 0 }))),
    'items[0].order_id',
  );
});

test('more units than any sale can hold are sold out, and do not fail their neighbours', async () => {
  const sale = await open(1, { price: { amountMinor: 2 ** 52, currency: 'VND' } });
  assert.deepEqual(await reserve([anOrder(sale, { quantity: 2 ** 31 - 1 }), anOrder(sale)]), ['sold_out', 'held']);
});
