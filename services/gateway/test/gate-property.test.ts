// Several gateways act at once with the orders of several buyers: the gate never gives more than there is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrderCommand } from '@flashsale/contracts/messages';
import fc from 'fast-check';
import type { Sale } from '../src/domain/sale.ts';
import { ANY_TIME, anOrder, MOST, openGates } from './gates.ts';

const ORDERS = 8;
const BUYERS = 4;
const STOCK = 5;

const gates = await openGates();
const { open, read, makeDue, observer } = gates;
const gateways = [gates, await gates.connect(), await gates.connect()].map(({ gate }) => gate);

const step = fc.record({
  what: fc.constantFrom(
    ...(['admit', 'admit', 'admit', 'sent', 'refuse', 'claim', 'confirmed', 'old', 'ended', 'change'] as const),
    ...(['leave', 'join'] as const),
  ),
  order: fc.nat(ORDERS - 1),
  gateway: fc.nat(2),
});
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

async function take({ what, order: index, gateway }: Step, sale: Sale, orders: OrderCommand[]) {
  const gate = gateways[gateway] as (typeof gateways)[number];
  const order = orders[index] as OrderCommand;
  switch (what) {
    case 'admit':
      return gate.admit(order, ANY_TIME);
    case 'sent':
      return gate.markSent(order);
    case 'refuse':
      return gate.refuse(order);
    case 'claim':
      await makeDue(order);
      return gate.claim(sale.id, MOST);
    case 'confirmed':
      return gate.applyConfirmed(sale.id, order.orderId, 1);
    case 'old':
      return gate.applyConfirmed(sale.id, order.orderId, 2);
    case 'ended':
      return gate.applyEnded(order);
    case 'change':
      return gate.change({ ...sale, revision: index, stock: STOCK + index });
    case 'leave':
      return gate.leaveWaiting(order);
    case 'join':
      return gate.joinWaiting(order);
  }
}

test('any interleaving keeps stock = tickets + units of records, and never gives more', async () => {
  const groups = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 12 });
  const sold = { most: 0 };
  await fc.assert(
    fc.asyncProperty(groups, async (groups) => {
      const sale = await open(STOCK, { revision: 0 });
      const orders = Array.from({ length: ORDERS }, (_, i) => anOrder(sale, `buyer-${i % BUYERS}`, 1 + (i % 3)));
      for (const atOnce of groups) {
        await Promise.all(atOnce.map((each) => take(each, sale, orders)));
        // Throws unless the gate is whole: tickets, records, buyers and due agree.
        const { records, stock } = await read(sale.id);
        const units = [...records.values()].reduce((sum, { quantity }) => sum + quantity, 0);
        assert.ok(units <= stock && stock <= STOCK + ORDERS, `${units} of ${stock}`);
        const buyers = [...records.values()].map(({ buyerId }) => buyerId);
        assert.equal(new Set(buyers).size, buyers.length, 'one live order a buyer');
        sold.most = Math.max(sold.most, units);
      }
      await observer.del(...(await gates.keysOf(sale.id)));
    }),
    { numRuns: 100 },
  );
  // Otherwise nothing was put to the test.
  assert.ok(sold.most >= STOCK, `at most ${sold.most} units were taken`);
});

test('an order that was refused or has ended has nothing, and its buyer may come again', async () => {
  const ends = fc.array(fc.constantFrom('refuse', 'ended', 'confirmed, ended', 'sent, ended'), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(ends, async (ends) => {
      const sale = await open(1, { revision: 0 });
      for (const end of ends) {
        const order = anOrder(sale, 'alice');
        assert.equal((await gates.gate.admit(order, ANY_TIME)).kind, 'admitted');
        const orders = Array.from({ length: ORDERS }, () => order);
        for (const what of end.split(', ')) await take({ what, order: 0, gateway: 1 } as Step, sale, orders);
        assert.equal((await read(sale.id)).tickets, 1);
      }
    }),
    { numRuns: 30 },
  );
});
