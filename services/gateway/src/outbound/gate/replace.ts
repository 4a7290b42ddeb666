// A gate is built aside, under keys named by its epoch, and replaces the old one in one step.
import type { Snapshot, TakenUnit } from '../../domain/ports.ts';
import type { Sale } from '../../domain/sale.ts';
import type { GateRedis } from '../redis.ts';

const CHUNK = 1_000;
/** After its last chunk; then what was staged by a gateway that died is gone. */
const STAGED_FOR_MS = 600_000;
/** One restored record in all keys together: 470 to 505 measured with buyer ids of 42 characters. */
const RECORD_BYTES = 600;
const FULL = 0.95;

export const windowOf = (sale: Sale) => [sale.closed ? 1 : 0, sale.opensAtMs, sale.closesAtMs];

export async function replaceGate(redis: GateRedis, snapshot: Snapshot, lost: AbortSignal, token: string) {
  const { sale, available } = snapshot;
  await redis.gateScript('stage', sale.id, [STAGED_FOR_MS], sale.epoch);
  let count = 0;
  for await (const page of snapshot.pages) {
    for (let i = 0; i < page.length; i += CHUNK) {
      lost.throwIfAborted();
      await stageChunk(redis, sale, page.slice(i, i + CHUNK));
    }
    count += page.length;
  }
  lost.throwIfAborted();
  const args = [sale.epoch, sale.stock, sale.revision, available, ...windowOf(sale), count, token];
  const reply = await redis.gateScript('replace', sale.id, args, sale.epoch);
  if (reply === 'incomplete') throw new Error(`redis lost records of the gate of ${sale.id} while they were staged`);
  return reply === 'replaced';
}

const restoredRecord = ({ quantity, buyerId }: TakenUnit) => JSON.stringify({ state: 'sent', quantity, buyerId });

async function stageChunk(redis: GateRedis, { id, epoch }: Sale, chunk: TakenUnit[]) {
  const args = chunk.flatMap((taken) => [taken.orderId, taken.buyerId, restoredRecord(taken)]);
  if ((await redis.gateScript('stage-chunk', id, [STAGED_FOR_MS, ...args], epoch)) !== 1)
    throw new Error('redis lost a gate while it was staged');
}

export async function makeRoom(redis: GateRedis, saleId: string, epoch: number, records: number): Promise<boolean> {
  if (await hasRoom(redis, records)) return true;
  await redis.gateScript('make-room', saleId, [epoch]);
  return hasRoom(redis, records);
}

async function hasRoom({ client }: GateRedis, records: number): Promise<boolean> {
  const info = await client.info('memory');
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const most = field('maxmemory');
  // Redis itself does not count the second number against its limit.
  const used = field('used_memory') - field('mem_not_counted_for_evict');
  return most === 0 || used + records * RECORD_BYTES <= most * FULL;
}
