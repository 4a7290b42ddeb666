// Opening a gate, rule by rule: the fence first, the flip once, and nothing that is not needed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../infra/until.ts';
import { mustOpen, openGate } from '../src/domain/open-gate.ts';
import type { GateState, Snapshot } from '../src/domain/ports.ts';
import type { Sale } from '../src/domain/sale.ts';
import { createWatch, type WatchPorts } from '../src/domain/watch-sales.ts';
import { aSale } from './gates.ts';

const state = (epoch: number, current = true): GateState => ({ epoch, revision: 1, tickets: 5, current });

type World = ReturnType<typeof world>;

/** Inventory's side of a sale, and a gate that may fail; what was asked of them, in order. */
function world(sale: Sale, options: { flip?: () => unknown; gate?: GateState; waiting?: number[] } = {}) {
  const asked: string[] = [];
  let { epoch } = sale;
  const ports = {
    gate: {
      read: async () => [options.gate],
      change: async () => asked.push('change'),
      flip: async ({ sale }: Snapshot) => {
        asked.push(`flip ${sale.epoch}`);
        await options.flip?.();
      },
    },
    inventory: {
      listSales: async () => [{ ...sale, epoch }],
      createSale: async () => ({ ...sale, epoch }),
      getSale: async () => ({ ...sale, epoch }),
      reopen: async (_id: string, expected: number): Promise<Snapshot | undefined> => {
        asked.push(`reopen ${expected}`);
        if (expected !== epoch) return undefined;
        epoch += 1;
        return { sale: { ...sale, epoch }, available: 5, reservations: [] };
      },
    },
    queue: { waiting: async () => options.waiting?.shift() ?? 0 },
    catalogue: { learn: () => undefined, find: async () => ({ ...sale, epoch }), seeTickets: () => undefined },
    directDeadlineMs: 1,
    warn: () => undefined,
  };
  return { asked, ports: ports as unknown as WatchPorts };
}

test('a gate is opened when there is none, when it is of another Redis, or of another epoch than inventory’s', () => {
  const sale = aSale(5, { epoch: 2 });
  assert.equal(mustOpen(sale, undefined), true);
  assert.equal(mustOpen(sale, state(2, false)), true);
  assert.equal(mustOpen(sale, state(1)), true);
  assert.equal(mustOpen(sale, state(3)), true);
  assert.equal(mustOpen(sale, state(2)), false);
});

test('the fence comes before the flip, and whoever loses it flips nothing', async () => {
  const won = world(aSale(5, { epoch: 0 }));
  await openGate(aSale(5, { epoch: 0 }), won.ports);
  assert.deepEqual(won.asked, ['reopen 0', 'flip 1']);
  const lost = world(aSale(5, { epoch: 3 }));
  await openGate(aSale(5, { epoch: 0 }), lost.ports);
  assert.deepEqual(lost.asked, ['reopen 0']);
});

test('a flip with an unknown outcome is not sent again: the next round fences anew', async () => {
  let lost = 1;
  const flip = () => {
    if (lost-- > 0) throw new Error('the answer is lost');
  };
  const { asked, ports } = world(aSale(5, { epoch: 0, mode: 'direct' }), { flip });
  const watch = createWatch(ports);
  await watch.look();
  await until('the first was tried', () => asked.length === 2);
  await until('the second was tried', () => watch.look().then(() => asked.length > 3));
  assert.deepEqual(asked, ['reopen 0', 'flip 1', 'reopen 1', 'flip 2']);
});

test('a gate that came to be while this gateway waited for the line is left alone', async () => {
  const sale = aSale(5, { epoch: 2, mode: 'direct' });
  const opened = world(sale, { gate: state(2) });
  await openGate(sale, opened.ports);
  assert.deepEqual(opened.asked, []);
  for (const gate of [undefined, state(2, false), state(1)]) {
    const { asked, ports } = world(sale, gate && { gate });
    await openGate(sale, ports);
    assert.deepEqual(asked, ['reopen 2', 'flip 3']);
  }
});

test('whoever makes a sale is answered when its gate is open, even if a round was already opening it', async () => {
  const { promise: flipped, resolve: flip } = Promise.withResolvers<void>();
  const { asked, ports }: World = world(aSale(5, { epoch: 0 }), {
    flip: () => flipped.then(() => asked.push('flipped')),
  });
  const watch = createWatch(ports);
  await watch.look();
  const made = watch.createSale(aSale(5, { epoch: 0 })).then(() => asked.push('made'));
  await until('the round opens it', () => asked.includes('flip 1'));
  await new Promise(setImmediate);
  flip();
  await made;
  assert.deepEqual(asked, ['reopen 0', 'flip 1', 'flipped', 'made']);
});

test('the line is let come to its end first: empty twice in a row', async () => {
  const sale = aSale(5, { epoch: 1 });
  const waiting = [3, 0, 0];
  const { asked, ports } = world(sale, { waiting });
  await openGate(sale, ports);
  assert.deepEqual(waiting, []);
  assert.deepEqual(asked, ['reopen 1', 'flip 2']);
});
