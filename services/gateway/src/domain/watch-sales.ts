// Every second: learn the sales, bring each gate to its sale's revision, and have those rebuilt that are not valid.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Catalogue } from './catalogue.ts';
import type { Clock, Gate, GateState, Inventory, SaleStock } from './ports.ts';
import { whyInvalid } from './rebuild-gate.ts';
import { createRebuilds, type RebuildsPorts } from './rebuilds.ts';
import { isOver, type Sale } from './sale.ts';

const OPENED_WITHIN_MS = 2_000;
const CHECK_EVERY_MS = 100;

export type ShutReason = 'sold_out' | 'at_rest' | 'operator';

export interface WatchPorts extends RebuildsPorts {
  gate: Gate;
  inventory: Inventory;
  catalogue: Catalogue;
  clock: Clock;
  warn: (saleId: string, error: unknown) => void;
  /** For so long must a gate at rest contradict inventory before it is shut. */
  atRestMs: number;
  /** How many orders wait, for estimates. */
  seeWaiting: (saleId: string, waiting: number) => void;
  /** The sales, and the state of the gate of each. */
  seeGates: (sales: Sale[], states: (GateState | undefined)[]) => void;
  /** `gate.shut`, counted. */
  shut: (saleId: string, epoch: number, reason: ShutReason) => Promise<void>;
}

export function createWatch(ports: WatchPorts) {
  const { gate, inventory, catalogue } = ports;
  const rebuilds = createRebuilds(ports);
  const contradicts = createRestCheck(ports.atRestMs);
  /** Sales that are over and have nothing under way, with the revision that they are so in. */
  const finished = new Map<string, number>();
  const over = (sale: Sale) => isOver(sale, ports.clock.nowMs() ?? Date.now());

  async function learnSales(): Promise<SaleStock[]> {
    const listedAtMs = performance.now();
    const listed = await inventory.listSales();
    // A late order may still be reserved: then the sale has something under way again.
    for (const { id, held } of listed) if (held > 0) finished.delete(id);
    const live = listed.filter(({ id, revision }) => finished.get(id) !== revision);
    catalogue.mirror(live, listedAtMs);
    return live;
  }

  /** A sale that is over and has nothing held gets no gate any more: its orders are read from orders. */
  const mustRebuild = (sale: SaleStock, state: GateState | undefined) =>
    whyInvalid(sale, state) !== undefined && !(over(sale) && sale.held === 0);

  async function attend(sale: SaleStock, state: GateState | undefined): Promise<void> {
    if (mustRebuild(sale, state)) return;
    if (over(sale) && sale.held === 0) return finish(sale, state);
    if (!state) return;
    if (state.revision < sale.revision) return gate.change(sale);
    if (contradicts(sale, state)) return ports.shut(sale.id, state.epoch, 'at_rest');
  }

  async function finish(sale: SaleStock, state: GateState | undefined) {
    if (state && state.revision < sale.revision) await gate.change(sale);
    // A gate that is not current hands out nothing, so its records stay due for ever.
    const busy = state?.current && state.pending > 0;
    if (busy || (state && !(await gate.expire(sale.id)))) return;
    finished.set(sale.id, sale.revision);
  }

  /** Another gateway may hold the lease of the new sale; it needs no more than a moment. */
  async function untilOpen(saleId: string) {
    const lastCheckMs = performance.now() + OPENED_WITHIN_MS;
    for (;;) {
      const [[state], sale] = await Promise.all([gate.read([saleId]), inventory.getSale(saleId)]);
      if (sale) catalogue.learn([sale]);
      if (!sale || !whyInvalid(sale, state) || performance.now() > lastCheckMs) return sale;
      await sleep(CHECK_EVERY_MS);
    }
  }

  return {
    /** Opens its gate at once, so that the caller need not wait for the next refresh. */
    async createSale(sale: Sale): Promise<Sale> {
      const created = await inventory.createSale(sale);
      catalogue.learn([created]);
      await rebuilds.now({ ...created, available: created.stock, held: 0, sold: 0 });
      return (await untilOpen(created.id).catch(() => undefined)) ?? created;
    },

    /** Rebuilds go on beside it, since each may wait for orders to arrive. */
    async refreshSales(): Promise<void> {
      const learning = learnSales();
      const sales = await learning.catch(() => undefined);
      // Without inventory the gates still admit, and their clock must be read.
      const known: Sale[] = sales ?? catalogue.all();
      const states = await gate.read(known.map(({ id }) => id));
      ports.seeGates(known, states);
      if (!sales) return void (await learning);
      const pairs = sales.map((sale, index) => ({ sale, state: states[index] }));
      for (const { sale, state } of pairs) catalogue.seePending(sale.id, state?.pending ?? 0);
      rebuilds.enqueue(pairs.filter(({ sale, state }) => mustRebuild(sale, state)));
      await Promise.all(
        pairs.map(({ sale, state }) => attend(sale, state).catch((error) => ports.warn(sale.id, error))),
      );
    },

    /** More often than the rest, so that a sale that has units again sells within a second. */
    async refreshTickets(): Promise<void> {
      const sales = catalogue.all().filter((sale) => !over(sale));
      const levels = await gate.levels(sales.map(({ id }) => id));
      // A gate that cannot be read or is being rebuilt is not sold out, it is busy.
      for (const [index, { id }] of sales.entries()) {
        const level = levels[index];
        catalogue.seeTickets(id, level?.tickets ?? 1);
        if (level) ports.seeWaiting(id, level.waiting);
      }
    },

    /** An operator's way to have a gate built anew from inventory. False: there is no such sale. */
    async reopenGate(saleId: string): Promise<boolean> {
      const sale = await inventory.getSale(saleId);
      if (sale) await ports.shut(saleId, sale.epoch, 'operator');
      return sale !== undefined;
    },
  };
}

/**
 * A gate that offers more or fewer tickets than there are units, although nothing of its sale is under way. True once the
 * same mismatch was seen for `afterMs`: an event was lost, or an older copy was put into a running Redis. Inventory and
 * the gate are not read in one instant, so numbers that move are no mismatch.
 */
function createRestCheck(afterMs: number): (sale: SaleStock, state: GateState) => boolean {
  const seen = new Map<string, { numbers: string; sinceMs: number }>();

  return (sale, state) => {
    if (!isMismatch(sale, state)) {
      seen.delete(sale.id);
      return false;
    }
    const numbers = [state.epoch, state.revision, state.tickets, sale.available].join(' ');
    const before = seen.get(sale.id);
    if (before?.numbers === numbers) return performance.now() - before.sinceMs >= afterMs;
    seen.set(sale.id, { numbers, sinceMs: performance.now() });
    return false;
  };
}

/** With another revision or epoch, the gate is only about to be changed or rebuilt. */
const isMismatch = (sale: SaleStock, { pending, revision, epoch, tickets }: GateState) =>
  pending === 0 && sale.held === 0 && revision === sale.revision && epoch === sale.epoch && tickets !== sale.available;
