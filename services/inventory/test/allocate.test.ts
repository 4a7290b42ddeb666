// The rules by themselves, for any batches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  confirm,
  movement,
  type Order,
  type Remembered,
  type Reservation,
  release,
  reserve,
} from '../src/domain/allocate.ts';

const SALE = 'a-sale';
const order = fc.record({
  orderId: fc.constantFrom(...'abcdefgh'),
  saleId: fc.constant(SALE),
  buyerId: fc.constant('a-buyer'),
  quantity: fc.integer({ min: 1, max: 4 }),
  epoch: fc.constantFrom(3, 3, 3, 2, 4),
});
const orders = fc.array(order, { maxLength: 20 });
const sale = fc.record({ id: fc.constant(SALE), epoch: fc.constant(3), available: fc.nat(12) });
const empty: Remembered = new Map();

const remember = (remembered: Remembered, changes: Reservation[]): Remembered =>
  new Map([...remembered, ...changes.map((each) => [each.orderId, each] as const)]);

test('a batch holds no more units than are available, each order decided once, first come first served', () => {
  fc.assert(
    fc.property(sale, orders, (sale, orders) => {
      const decided = reserve(sale, empty, orders);
      const firsts = orders.filter(({ orderId }, at) => orders.findIndex((other) => other.orderId === orderId) === at);
      let available = sale.available;
      const expected = firsts.map(({ epoch, ...item }) => {
        const reason = epoch !== sale.epoch ? 'stale_epoch' : item.quantity > available ? 'sold_out' : null;
        if (!reason) available -= item.quantity;
        return { ...item, state: reason ? 'refused' : 'held', reason };
      });
      assert.deepEqual(decided, expected);
      assert.equal(movement(empty, decided).held, sale.available - available);
      assert.ok(available >= 0);
    }),
  );
});

test('one batch decides as the same orders in two batches do', () => {
  fc.assert(
    fc.property(sale, orders, fc.nat(20), (sale, orders, cut) => {
      const first = reserve(sale, empty, orders.slice(0, cut));
      const available = sale.available - movement(empty, first).held;
      const second = reserve({ ...sale, available }, remember(empty, first), orders.slice(cut));
      assert.deepEqual([...first, ...second], reserve(sale, empty, orders));
    }),
  );
});

test('what is remembered is never decided again, whatever has become of the stock and the epoch', () => {
  fc.assert(
    fc.property(sale, sale, orders, (before, later, orders) => {
      const remembered = remember(empty, reserve(before, empty, orders));
      assert.deepEqual(reserve({ ...later, epoch: 4 }, remembered, orders), []);
    }),
  );
});

test('an unknown sale refuses all', () => {
  fc.assert(
    fc.property(orders, (orders) => {
      for (const { state, reason } of reserve(undefined, empty, orders))
        assert.deepEqual([state, reason], ['refused', 'unknown_sale']);
    }),
  );
});

const MOVES: Record<string, string[]> = {
  absent: ['held', 'refused', 'released'],
  held: ['sold', 'released'],
  sold: ['released'],
  released: [],
  refused: [],
};

test('whatever is called in whatever order, units are conserved and end states absorb', () => {
  const calls = fc.array(fc.tuple(fc.constantFrom('reserve', 'confirm', 'release'), orders), { maxLength: 30 });
  fc.assert(
    fc.property(sale, calls, (start, calls) => {
      let sale = { ...start, held: 0, sold: 0 };
      let remembered = empty;
      for (const [call, orders] of calls) {
        const known = new Map([...remembered].filter(([id]) => orders.some(({ orderId }) => orderId === id)));
        const changes = decide(call, sale, known, orders);
        for (const { orderId, state } of changes)
          assert.ok(MOVES[remembered.get(orderId)?.state ?? 'absent']?.includes(state));
        const moved = movement(known, changes);
        sale = {
          ...sale,
          available: sale.available - moved.held - moved.sold,
          held: sale.held + moved.held,
          sold: sale.sold + moved.sold,
        };
        remembered = remember(remembered, changes);
        assert.ok(sale.available >= 0);
        assert.deepEqual([sale.held, sale.sold], [units(remembered, 'held'), units(remembered, 'sold')]);
      }
    }),
  );
});

function decide(call: string, sale: Parameters<typeof confirm>[0], known: Remembered, orders: Order[]): Reservation[] {
  if (call === 'reserve') return reserve(sale, known, orders);
  return call === 'confirm'
    ? confirm(sale, known)
    : release(
        sale,
        known,
        orders.map(({ epoch, ...item }) => item),
      );
}

const units = (remembered: Remembered, state: string) =>
  [...remembered.values()].reduce((sum, each) => sum + (each.state === state ? each.quantity : 0), 0);

test('a reservation of another sale has an outcome and is left alone', () => {
  const other: Reservation = { orderId: 'a', saleId: 'other', buyerId: 'b', quantity: 1, state: 'held', reason: null };
  const remembered = remember(empty, [other]);
  const here = { id: SALE, epoch: 3, available: 5 };
  assert.deepEqual(reserve(here, remembered, [{ ...other, saleId: SALE, epoch: 3 }]), []);
  assert.deepEqual(confirm(here, remembered), []);
  assert.deepEqual(release(here, remembered, [{ ...other, saleId: SALE }]), []);
});
