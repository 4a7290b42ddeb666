// The words of the domain and the enums of the protos say the same: `held` here is RESERVATION_STATE_HELD there.
import { ReservationState as WireReservationState } from '../gen/flashsale/inventory/v1/inventory.ts';
import {
  CancelReason as WireCancelReason,
  OrderStatus as WireOrderStatus,
  Refund as WireRefund,
} from '../gen/flashsale/orders/v1/orders.ts';
import { ChargeState as WireChargeState } from '../gen/flashsale/payment/v1/payment.ts';

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
