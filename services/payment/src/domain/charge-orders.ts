// The story of payment: each order is charged at most once, however often and by however many it is asked for.
import type { ChargeState } from '@flashsale/contracts/wire';
import type { Bank, Charge, ChargeItem, Ledger, States } from './charge.ts';

interface Ports {
  ledger: Ledger;
  bank: Bank;
  log: { error(fields: object, message: string): void };
}

/** `requested` is the answer where the bank's is not known by `untilMs`: asking again, with the same id, finds it. */
export async function chargeOrders(
  items: ChargeItem[],
  untilMs: number,
  { ledger, bank, log }: Ports,
): Promise<States> {
  const charges = await ledger.request(items);
  for (const other of withOtherMoney(items, charges))
    log.error(other, 'asked again with another amount; the first stays');

  const answers = await askBank(charges.filter(isOpen), untilMs, bank);
  // Whoever was voided meanwhile stays so: its reversal follows the charge to the bank.
  const settled = await ledger.settle('requested', answers);
  return new Map([...charges.map(({ orderId, state }) => [orderId, state] as const), ...settled]);
}

type OpenCharge = Charge & ChargeItem;

const isOpen = (charge: Charge): charge is OpenCharge => charge.state === 'requested';

/** What is known by `untilMs`. */
async function askBank(charges: OpenCharge[], untilMs: number, bank: Bank): Promise<States> {
  const answers = new Map<string, ChargeState>();
  const patience = AbortSignal.timeout(Math.max(0, Math.floor(untilMs - Date.now())));
  const asked = charges.map(async (charge) => {
    const answer = await bank.charge(charge, patience);
    if (answer !== 'unknown') answers.set(charge.orderId, answer);
  });
  await Promise.race([Promise.all(asked), aborted(patience)]);
  return new Map(answers);
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

function withOtherMoney(items: ChargeItem[], charges: Charge[]) {
  const known = new Map(charges.map((charge) => [charge.orderId, charge]));
  return items.flatMap(({ orderId, amountMinor, currency }) => {
    const charge = known.get(orderId);
    if (!charge?.currency || (charge.amountMinor === amountMinor && charge.currency === currency)) return [];
    return [{ orderId, asked: { amountMinor, currency }, charged: charge }];
  });
}
