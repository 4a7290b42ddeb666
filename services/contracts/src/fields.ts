// The fields that cross a process boundary in a message, a call or a token: what each may hold.
import { v7, validate, version } from 'uuid';
import { z } from 'zod';
import { ReservationState as WireReservationState } from '../gen/flashsale/inventory/v1/inventory.ts';
import {
  CancelReason as WireCancelReason,
  OrderStatus as WireOrderStatus,
  Refund as WireRefund,
} from '../gen/flashsale/orders/v1/orders.ts';
import { ChargeState as WireChargeState } from '../gen/flashsale/payment/v1/payment.ts';

/** Postgres returns ids in small letters: in any other spelling a row would not be found again. */
export const Id = z.uuid().toLowerCase();

/** A UUIDv7, whose first 48 bits are the millisecond of its minting. `msecs`: Unix milliseconds of another clock. */
export const mintId = (msecs?: number) => (msecs === undefined ? v7() : v7({ msecs }));

export const isUuid = validate;

/** Unix milliseconds, or undefined for what is not an id of ours. */
export function mintedAt(id: string): number | undefined {
  if (!validate(id) || version(id) !== 7) return undefined;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** What no store can keep, or every neighbour refuses, must not get into a batch. */
export const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must have neither control characters nor halves of a character');

export const BuyerId = text(255);
export const Quantity = z.int32().min(1);
/** The path that the orders of a sale take: as messages, or by calls while the buyer waits. */
export const Mode = z.enum(['queued', 'direct']);
export type Mode = z.infer<typeof Mode>;

/** Of a gate; 0 is a sale without one, which cannot have admitted an order. */
export const Epoch = z.int32().min(1);

export const Money = z.object({
  amountMinor: z.int().min(1).describe('Minor currency units'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')
    .describe('ISO 4217'),
});
export type Money = z.infer<typeof Money>;

const MOST_ITEMS = 1_000;
/** Of one call. */
export const batch = <Each extends z.ZodType>(each: Each) => z.array(each).max(MOST_ITEMS);

// The words of the domain and the enums of the protos say the same: `held` here is RESERVATION_STATE_HELD there.
type Word<Wire extends string, Prefix extends string> = Exclude<
  Wire extends `${Prefix}${infer Name}` ? Lowercase<Name> : never,
  'unspecified'
>;

export type OrderStatus = Word<WireOrderStatus, 'ORDER_STATUS_'>;
export type CancelReason = Word<WireCancelReason, 'CANCEL_REASON_'>;
export type Refund = Word<WireRefund, 'REFUND_'>;
export type ReservationState = Word<WireReservationState, 'RESERVATION_STATE_'>;
export type ChargeState = Word<WireChargeState, 'CHARGE_STATE_'>;

function words<Wire extends string, Prefix extends string>(values: Record<string, Wire>, prefix: Prefix) {
  const known = Object.values(values).filter((wire) => wire !== `${prefix}UNSPECIFIED`);
  const wordOf = (wire: Wire) => wire.slice(prefix.length).toLowerCase() as Word<Wire, Prefix>;
  return {
    words: known.map(wordOf),
    toWire: (word: Word<Wire, Prefix>) => `${prefix}${word.toUpperCase()}` as Wire,
    /** Throws for a value of a newer contract. */
    fromWire(wire: Wire): Word<Wire, Prefix> {
      if (!known.includes(wire)) throw new Error(`${wire} means nothing here`);
      return wordOf(wire);
    },
  };
}

export const orderStatus = words(WireOrderStatus, 'ORDER_STATUS_');
export const cancelReason = words(WireCancelReason, 'CANCEL_REASON_');
export const refund = words(WireRefund, 'REFUND_');
export const reservationState = words(WireReservationState, 'RESERVATION_STATE_');
export const chargeState = words(WireChargeState, 'CHARGE_STATE_');
