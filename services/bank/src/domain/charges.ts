// The use cases of the bank: it charges a key once, reverses it once, and remembers both.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour, BehaviourChange, createBehaviour, Fate } from './behaviour.ts';
import type { ChargeQueue, Place } from './charge-queue.ts';
import { type Entry, type Money, type Statement, same } from './statement.ts';

export type ChargeAnswer =
  | { outcome: 'captured' | 'declined'; entry: Entry }
  | { outcome: 'reversed' | 'other-body' | 'failed' };
export type ReverseAnswer = { outcome: 'reversed' | 'declined' | 'failed' };

interface Work {
  money: Money;
  place: Place;
  answer: Promise<ChargeAnswer>;
}

const FAILED = { outcome: 'failed' } as const;
const REVERSED = { outcome: 'reversed' } as const;

export type Bank = ReturnType<typeof createBank>;

export function createBank(
  statement: Statement,
  queue: ChargeQueue,
  behaviour: ReturnType<typeof createBehaviour>,
  now = Date.now,
) {
  const works = new Map<string, Work>();
  const calls = new Set<Promise<unknown>>();
  let closed = false;

  function charge(key: string, money: Money): Promise<ChargeAnswer> {
    const entry = statement.find(key);
    if (entry?.status === 'reversed') return Promise.resolve(REVERSED);
    const work = works.get(key);
    const before = entry?.charge ?? work?.money;
    if (before && !same(before, money)) return Promise.resolve({ outcome: 'other-body' });
    if (entry) return Promise.resolve(answerOf(entry));
    return work?.answer ?? begin(key, money, behaviour.nextFate('charge'));
  }

  function begin(key: string, money: Money, fate: Fate): Promise<ChargeAnswer> {
    // It takes no turn, or the statement would show the bank idle while it was busy.
    if (fate.error === 'before') return pause(fate.latencyMs).then(() => FAILED);
    const place = queue.join();
    const answer = carryOut(key, money, place, fate);
    works.set(key, { money, place, answer });
    return answer;
  }

  async function carryOut(key: string, money: Money, place: Place, fate: Fate): Promise<ChargeAnswer> {
    const turn = await place.turn;
    if (!turn) return REVERSED;
    await pause(fate.latencyMs);
    if (closed) return FAILED;
    works.delete(key);
    const reversedMeanwhile = statement.find(key)?.status === 'reversed';
    const status = reversedMeanwhile ? 'reversed' : fate.declined ? 'declined' : 'captured';
    const entry: Entry = { key, status, atMs: now(), charge: { ...money, ...turn } };
    statement.write(entry);
    await pause(fate.lateMs);
    return fate.error === 'after' ? FAILED : answerOf(entry);
  }

  async function reverse(key: string): Promise<ReverseAnswer> {
    const entry = statement.find(key);
    if (entry && entry.status !== 'captured') return { outcome: entry.status };
    const fate = behaviour.nextFate('reversal');
    await pause(fate.latencyMs);
    if (closed || fate.error === 'before') return FAILED;
    const outcome = reverseNow(key);
    await pause(fate.lateMs);
    return fate.error === 'after' ? FAILED : { outcome };
  }

  /** Queued: never captured. In work: the work finds it reversed and ends as captured and refunded. */
  function reverseNow(key: string): 'reversed' | 'declined' {
    const entry = statement.find(key);
    if (entry && entry.status !== 'captured') return entry.status;
    statement.write({ ...entry, key, status: 'reversed', atMs: now() });
    if (works.get(key)?.place.leave()) works.delete(key);
    return 'reversed';
  }

  function counted<T>(call: Promise<T>): Promise<T> {
    const ended = call.then(() => undefined).catch(() => undefined);
    calls.add(ended);
    ended.then(() => calls.delete(ended));
    return call;
  }

  return {
    charge: (key: string, money: Money) => counted(charge(key, money)),
    reverse: (key: string) => counted(reverse(key)),
    behaviour: (): Behaviour => behaviour.knobs(),
    change(change: BehaviourChange) {
      behaviour.change(change);
      queue.pace(behaviour.knobs().chargesPerSecond);
    },
    waiting: queue.waiting,
    statement(sinceMs: number) {
      const waiting = queue.waiting();
      return { charges: statement.charges(sinceMs), queue: { waiting, inProgress: works.size - waiting } };
    },
    async finished() {
      while (calls.size) await Promise.all(calls);
    },
    /** Work that is not done by now never happened. */
    close() {
      closed = true;
      queue.close();
    },
  };
}

const answerOf = (entry: Entry): ChargeAnswer =>
  entry.status === 'reversed' ? REVERSED : { outcome: entry.status, entry };

/** Unreferenced: after `close` it must not keep the process alive. */
async function pause(ms: number): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { ref: false });
}
