// Charge: each order at most once, however many callers repeat it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ChargeState } from '@flashsale/contracts/fields';
import type { Bank, Charge, ChargeItem, Ledger, States } from './ports.ts';

type Log = { error(fields: object, message: string): void };
type Known = ChargeState | undefined;
type RequestedCharge = Charge & ChargeItem;

/** Yields each state as soon as it is known; what is missing when it ends is unknown, and may be charged again. */
export type ChargeOrders = (items: ChargeItem[], untilMs: number) => AsyncGenerator<States>;

export function createChargeOrders(ledger: Ledger, bank: Bank, log: Log): ChargeOrders {
  /** Each order that this process has at the bank, with the state that will be recorded. */
  const underWay = new Map<string, Promise<Known>>();

  function unrecorded(orderId: string, error: unknown): undefined {
    log.error({ orderId, error: String(error) }, "the bank's answer is not recorded");
  }

  async function chargeAtBank(charge: RequestedCharge, time: TimeLimit): Promise<Known> {
    const answer = await Promise.race([bank.charge(charge, time.signal), time.isUp]);
    if (!answer || answer === 'unknown') return undefined;
    // A charge that was voided meanwhile stays so: its reversal follows it to the bank.
    return ledger.record('requested', charge.orderId, answer);
  }

  function startCharge(charge: RequestedCharge, time: TimeLimit): Promise<Known> {
    const { orderId } = charge;
    const call = chargeAtBank(charge, time)
      .catch((error) => unrecorded(orderId, error))
      .finally(() => underWay.delete(orderId));
    underWay.set(orderId, call);
    return call;
  }

  /** Attaches to the call under way. That one may have had less time: then the bank is called again. */
  async function stateOf(charge: RequestedCharge, time: TimeLimit): Promise<Known> {
    const attached = underWay.get(charge.orderId);
    if (!attached) return startCharge(charge, time);
    const state = await Promise.race([attached, time.isUp]);
    return state || time.signal.aborted ? state : stateOf(charge, time);
  }

  return async function* chargeOrders(items, untilMs) {
    const charges = await ledger.request(items);
    for (const other of withOtherAmount(items, charges))
      log.error(other, 'charged again with another amount: the first stays');

    const time = timeLimit(untilMs);
    yield* asTheyBecomeKnown(
      charges.map((charge) => [charge.orderId, isRequested(charge) ? stateOf(charge, time) : charge.state]),
    );
  };
}

const isRequested = (charge: Charge): charge is RequestedCharge => charge.state === 'requested';

type TimeLimit = ReturnType<typeof timeLimit>;

function timeLimit(untilMs: number) {
  const signal = AbortSignal.timeout(Math.max(0, Math.floor(untilMs - Date.now())));
  const isUp = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  return { signal, isUp };
}

async function* asTheyBecomeKnown(outcomes: [string, Known | Promise<Known>][]): AsyncGenerator<States> {
  let known = new Map<string, ChargeState>();
  let remaining = outcomes.length;
  let changed = Promise.withResolvers<void>();
  for (const [orderId, outcome] of outcomes)
    void Promise.resolve(outcome).then((state) => {
      remaining -= 1;
      if (state) known.set(orderId, state);
      changed.resolve();
    });
  while (remaining > 0) {
    await changed.promise;
    // The rest of a group commit becomes known in the same turn.
    await nextTurn();
    changed = Promise.withResolvers();
    const states = known;
    known = new Map();
    if (states.size > 0) yield states;
  }
}

function withOtherAmount(items: ChargeItem[], charges: Charge[]) {
  const known = new Map(charges.map((charge) => [charge.orderId, charge]));
  return items.flatMap(({ orderId, amount }) => {
    const charged = known.get(orderId)?.amount;
    if (!charged || (charged.amountMinor === amount.amountMinor && charged.currency === amount.currency)) return [];
    return [{ orderId, requested: amount, charged }];
  });
}
