// Orders that were admitted and have no result yet: published if they never were, else compared with their rows.
import { setTimeout as sleep } from 'node:timers/promises';
import { choiceOf, type OrderCommand } from '@flashsale/contracts/messages';
import type { ApplyResult } from './apply-result.ts';
import type { Clock, DueRecord, Gate, OrderQueue, Orders } from './ports.ts';
import { isEmptyTwice, type QueueProgress } from './queue-progress.ts';
import type { Sale } from './sale.ts';

const CLAIMED_AT_ONCE = 500;
/** A sale with a million records must not keep the others waiting. */
const LONGEST_SWEEP_MS = 2_000;

export interface SweepPorts {
  gate: Pick<Gate, 'claim' | 'markSent'>;
  queue: OrderQueue;
  orders: Pick<Orders, 'get' | 'giveUp'>;
  clock: Clock;
  progress: QueueProgress;
  applyResult: ApplyResult;
  directDeadlineMs: number;
  /** Counts records that were due. */
  swept: (records: number) => void;
  /** Counts records that could not be read and were set aside. */
  damaged: (saleId: string, records: number) => void;
  warn: (orderId: string, error: unknown) => void;
  warnOfSale: (saleId: string, error: unknown) => void;
}

/** Checks what is due in these sales. A sale that takes longer goes on, and is left out until it is done. */
export function createSweep(ports: SweepPorts, longestSweepMs = LONGEST_SWEEP_MS): (sales: Sale[]) => Promise<void> {
  const underWay = new Map<string, Promise<void>>();

  return async (sales) => {
    ports.progress.keep(sales.map(({ id }) => id));
    // Observed once for a whole sweep: what it publishes must not hide what is still missing.
    let emptiness: Promise<boolean> | undefined;
    const queueIsEmpty = () => {
      emptiness ??= isEmptyTwice(ports.queue);
      return emptiness;
    };
    for (const sale of sales.filter(({ id }) => !underWay.has(id))) {
      const sweeping = sweepSale(sale, queueIsEmpty, ports)
        .catch((error) => ports.warnOfSale(sale.id, error))
        .finally(() => underWay.delete(sale.id));
      underWay.set(sale.id, sweeping);
    }
    await Promise.race([Promise.all(underWay.values()), sleep(longestSweepMs, undefined, { ref: false })]);
  };
}

interface Check {
  sale: Sale;
  /** The epoch of the gate that handed the records out. */
  epoch: number;
  queueIsEmpty: () => Promise<boolean>;
  ports: SweepPorts;
}

async function sweepSale(sale: Sale, queueIsEmpty: Check['queueIsEmpty'], ports: SweepPorts): Promise<void> {
  for (;;) {
    const { epoch, records, damaged } = await ports.gate.claim(sale.id, CLAIMED_AT_ONCE);
    ports.swept(records.length);
    if (damaged) ports.damaged(sale.id, damaged);
    const check = { sale, epoch, queueIsEmpty, ports };
    const isUnpublished = ({ state, command }: DueRecord) => sale.mode === 'queued' && state === 'unsent' && command;
    await Promise.all([
      each(records.filter(isUnpublished), check, publish),
      compareWithRows(
        records.filter((record) => !isUnpublished(record)),
        check,
      ),
    ]);
    if (records.length < CLAIMED_AT_ONCE) return;
  }
}

/** A record that fails is checked again later, and never costs the others their check. */
async function each(records: DueRecord[], check: Check, work: (record: DueRecord, check: Check) => Promise<unknown>) {
  const failed = (record: DueRecord) => (error: unknown) => check.ports.warn(record.orderId, error);
  await Promise.all(records.map((record) => work(record, check).catch(failed(record))));
}

async function publish({ orderId, command }: DueRecord, { sale, ports: { gate, queue } }: Check) {
  if (!command || !queue.available()) return;
  if ((await queue.publish(command)) === 'confirmed') await gate.markSent({ saleId: sale.id, orderId });
}

/**
 * A final row is applied. One that is not final has a deadline, so orders finishes it. Without a row the order is given
 * up once it is too late, and published again where the queue has lost it.
 */
async function compareWithRows(records: DueRecord[], check: Check): Promise<void> {
  if (records.length === 0) return;
  const { sale, epoch, ports } = check;
  const rows = await rowsOf(records, ports.orders);
  for (const row of rows.values()) ports.progress.hasRow(row);
  await each(records, check, async ({ orderId }) => {
    const row = rows.get(orderId);
    if (row?.final) await ports.applyResult(row, epoch);
  });
  const unknown = records.filter(({ orderId }) => !rows.has(orderId));
  const tooLate = unknown.filter((record) => isTooLate(record, sale, ports));
  await each(tooLate, check, giveUp);
  const inTime = unknown.filter((record) => sale.mode === 'queued' && !tooLate.includes(record));
  if (inTime.length > 0) await publishLost(inTime, check);
}

/** The broker confirmed them, so they are in the queue, unless it is empty or its workers have come past them. */
async function publishLost(records: DueRecord[], check: Check): Promise<void> {
  const { sale, queueIsEmpty, ports } = check;
  const passed = ({ orderId }: DueRecord) => ports.progress.hasPassed({ orderId, saleId: sale.id });
  const lost = (await queueIsEmpty()) ? records : records.filter(passed);
  if (lost.length === 0) return;
  // Read once more: a worker may have taken the last ones meanwhile.
  const rows = await rowsOf(lost, ports.orders);
  await each(
    lost.filter(({ orderId }) => !rows.has(orderId)),
    check,
    publish,
  );
}

/** A restored record has no command, but always a row: without one, orders has forgotten it. */
function isTooLate({ command }: DueRecord, { mode }: Sale, { clock, directDeadlineMs }: SweepPorts): boolean {
  if (!command) return true;
  // A call may still be under way when its order's deadline has passed.
  const graceMs = mode === 'direct' ? directDeadlineMs : 0;
  return (clock.nowMs() ?? 0) > command.deadlineMs + graceMs;
}

/** Refused in orders first; the ticket comes back with the event that follows the compensation. */
async function giveUp({ orderId, buyerId, quantity, command }: DueRecord, { sale, epoch, ports }: Check) {
  const forgotten: OrderCommand = {
    ...{ orderId, saleId: sale.id, buyerId },
    ...choiceOf({ quantity }),
    ...{ epoch, mode: sale.mode, deadlineMs: 0 },
  };
  const order = await ports.orders.giveUp(command ?? forgotten);
  if (order.final) await ports.applyResult(order, epoch);
}

const rowsOf = (records: DueRecord[], { get }: Pick<Orders, 'get'>) => get(records.map(({ orderId }) => orderId));
