// Orders that were admitted and not heard of again: asked about, or published again; never undone on a guess.
import { setTimeout as sleep } from 'node:timers/promises';
import { choiceOf, type OrderCommand } from '@flashsale/contracts/messages';
import type { ApplyResult } from './apply-result.ts';
import type { Clock, DueRecord, Gate, Order, OrderQueue, Orders } from './ports.ts';
import { isEmptyTwice, type QueueProgress } from './queue-progress.ts';
import type { Sale } from './sale.ts';

const CLAIMED_AT_ONCE = 500;
const ASKED_AT_ONCE = 500;
/** A sale with a million records must not keep the others waiting. */
const LONGEST_ROUND_MS = 2_000;

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
  warn: (id: string, error: unknown) => void;
}

/** One look at what is due in these sales. A sale that takes longer goes on, and is left out until it is done. */
export function createSweep(ports: SweepPorts, longestRoundMs = LONGEST_ROUND_MS): (sales: Sale[]) => Promise<void> {
  const underWay = new Map<string, Promise<void>>();

  return async (sales) => {
    ports.progress.keep(sales.map(({ id }) => id));
    // One observation for all of a round: what is published again in it must not hide what is still missing.
    let emptiness: Promise<boolean> | undefined;
    const queueIsEmpty = () => {
      emptiness ??= isEmptyTwice(ports.queue);
      return emptiness;
    };
    for (const sale of sales.filter(({ id }) => !underWay.has(id))) {
      const sweeping = sweepSale(sale, queueIsEmpty, ports)
        .catch((error) => ports.warn(sale.id, error))
        .finally(() => underWay.delete(sale.id));
      underWay.set(sale.id, sweeping);
    }
    await Promise.race([Promise.all(underWay.values()), sleep(longestRoundMs, undefined, { ref: false })]);
  };
}

interface Look {
  sale: Sale;
  /** Of the gate that handed the records out. */
  epoch: number;
  queueIsEmpty: () => Promise<boolean>;
  ports: SweepPorts;
}

async function sweepSale(sale: Sale, queueIsEmpty: Look['queueIsEmpty'], ports: SweepPorts): Promise<void> {
  for (;;) {
    const { epoch, records, damaged } = await ports.gate.claim(sale.id, CLAIMED_AT_ONCE);
    ports.swept(records.length);
    if (damaged) ports.damaged(sale.id, damaged);
    const look = { sale, epoch, queueIsEmpty, ports };
    const isUnpublished = ({ state, command }: DueRecord) => sale.mode === 'queued' && state === 'unsent' && command;
    await Promise.all([
      each(records.filter(isUnpublished), look, publishAgain),
      askAbout(
        records.filter((record) => !isUnpublished(record)),
        look,
      ),
    ]);
    if (records.length < CLAIMED_AT_ONCE) return;
  }
}

/** A record that fails is looked at again later, and never costs the others their look. */
async function each(records: DueRecord[], look: Look, work: (record: DueRecord, look: Look) => Promise<unknown>) {
  const failed = (record: DueRecord) => (error: unknown) => look.ports.warn(record.orderId, error);
  await Promise.all(records.map((record) => work(record, look).catch(failed(record))));
}

async function publishAgain({ orderId, command }: DueRecord, { sale, ports: { gate, queue } }: Look) {
  if (!command || !queue.available()) return;
  if ((await queue.publish(command)) === 'confirmed') await gate.markSent({ saleId: sale.id, orderId });
}

async function askAbout(records: DueRecord[], look: Look): Promise<void> {
  if (records.length === 0) return;
  const { sale, epoch, ports } = look;
  const rows = await rowsOf(records, ports.orders);
  for (const row of rows.values()) ports.progress.hasRow(row);
  // A row that is not final has a deadline, so orders itself finishes it.
  await each(records, look, async ({ orderId }) => {
    const row = rows.get(orderId);
    if (row?.final) await ports.applyResult(row, epoch);
  });
  const unknown = records.filter(({ orderId }) => !rows.has(orderId));
  const tooLate = unknown.filter((record) => isTooLate(record, sale, ports));
  await each(tooLate, look, giveUp);
  const inTime = unknown.filter((record) => sale.mode === 'queued' && !tooLate.includes(record));
  if (inTime.length > 0) await publishLost(inTime, look);
}

/** The broker confirmed them, so they are in the queue, unless it is empty or its workers have come past them. */
async function publishLost(records: DueRecord[], look: Look): Promise<void> {
  const { sale, queueIsEmpty, ports } = look;
  const passed = ({ orderId }: DueRecord) => ports.progress.hasPassed({ orderId, saleId: sale.id });
  const lost = (await queueIsEmpty()) ? records : records.filter(passed);
  if (lost.length === 0) return;
  // Asked once more: a worker may have taken the last ones meanwhile.
  const rows = await rowsOf(lost, ports.orders);
  await each(
    lost.filter(({ orderId }) => !rows.has(orderId)),
    look,
    publishAgain,
  );
}

/** A restored record has no command, but always a row: without one, orders has forgotten it. */
function isTooLate({ command }: DueRecord, { mode }: Sale, { clock, directDeadlineMs }: SweepPorts): boolean {
  if (!command) return true;
  // A call may still be under way when its order's deadline has passed.
  const graceMs = mode === 'direct' ? directDeadlineMs : 0;
  return (clock.nowMs() ?? 0) > command.deadlineMs + graceMs;
}

/** Orders makes sure that it never comes; its ticket comes back with the event that follows the compensation. */
async function giveUp({ orderId, buyerId, quantity, command }: DueRecord, { sale, epoch, ports }: Look) {
  const forgotten: OrderCommand = {
    ...{ orderId, saleId: sale.id, buyerId },
    ...choiceOf({ quantity }),
    ...{ epoch, mode: sale.mode, deadlineMs: 0 },
  };
  const order = await ports.orders.giveUp(command ?? forgotten);
  if (order.final) await ports.applyResult(order, epoch);
}

async function rowsOf(records: DueRecord[], { get }: Pick<Orders, 'get'>): Promise<Map<string, Order>> {
  const ids = records.map(({ orderId }) => orderId);
  const chunks = [];
  for (let i = 0; i < ids.length; i += ASKED_AT_ONCE) chunks.push(ids.slice(i, i + ASKED_AT_ONCE));
  const answers = await Promise.all(chunks.map((chunk) => get(chunk)));
  return new Map(answers.flatMap((answer) => [...answer]));
}
