// The only file that knows the gRPC interfaces: one call to each service, as the gateway or orders make it.
import { fail } from 'k6';
import grpc from 'k6/net/grpc';
import { addresses } from './shop.ts';

const PROTO = '../../services/contracts/proto';
const TIMEOUT_MS = 10_000;
const PRICE = { amountMinor: 4_900, currency: 'EUR' };
const DECIDE_WITHIN_MS = 600_000;

type Service = keyof typeof addresses;
const clients = Object.fromEntries(
  (['orders', 'inventory', 'payment'] as const).map((name) => {
    const client = new grpc.Client();
    client.load([PROTO], `flashsale/${name}/v1/${name}.proto`);
    return [name, client];
  }),
) as Record<Service, grpc.Client>;

const connected = new Set<Service>();

/** Null where the service has no answer. A user connects when it first calls, and stays connected. */
function call<Answer>(service: Service, method: string, request: object): Answer | null {
  const client = clients[service];
  const address =
    addresses[service] || fail(`the venue does not say where ${service} is: ${service.toUpperCase()}_ADDRESS`);
  if (!connected.has(service)) client.connect(address, { plaintext: true, timeout: TIMEOUT_MS });
  connected.add(service);
  const name = `${service[0]?.toUpperCase()}${service.slice(1)}Service`;
  const response = client.invoke(`flashsale.${service}.v1.${name}/${method}`, request, { timeout: TIMEOUT_MS });
  return response.status === grpc.StatusOK ? (response.message as Answer) : null;
}

/** Of the gate: only orders that it let in are given a unit. */
export function epochOf(saleId: string): number {
  const found = call<{ sale: { epoch: number } }>('inventory', 'GetSale', { saleId });
  return found?.sale.epoch ?? fail(`inventory does not know the sale ${saleId}`);
}

export interface Order {
  orderId: string;
  saleId: string;
  buyerId: string;
  epoch: number;
}

/** Takes a unit, and gives it back. */
export function reserveAndRelease({ epoch, ...item }: Order): boolean {
  const reserved = call<Outcomes>('inventory', 'Reserve', { items: [{ ...item, quantity: 1, epoch }] });
  const released = call<Outcomes>('inventory', 'Release', { items: [{ ...item, quantity: 1 }] });
  return isState(reserved, 'RESERVATION_STATE_HELD') && isState(released, 'RESERVATION_STATE_RELEASED');
}

/** Takes money, and intends to give it back; payment does so afterwards. */
export function chargeAndVoid({ orderId }: Order): boolean {
  const charged = call<Outcomes>('payment', 'Charge', { items: [{ orderId, ...PRICE }] });
  const voided = call<Outcomes>('payment', 'Void', { orderIds: [orderId] });
  return isState(charged, 'CHARGE_STATE_CAPTURED') && isState(voided, 'CHARGE_STATE_REVERSING');
}

export function placeOrder(order: Order): boolean {
  const command = { ...order, quantity: 1, decideByMs: Date.now() + DECIDE_WITHIN_MS };
  const placed = call<{ order: { status: string } }>('orders', 'PlaceOrder', { command });
  return placed?.order.status === 'ORDER_STATUS_CONFIRMED';
}

/** The gate knows nothing of orders that came past it: with a new epoch the gateway builds it again from what was sold. */
export function reopen(saleId: string): boolean {
  return call('inventory', 'Reopen', { saleId, expectedEpoch: epochOf(saleId) }) !== null;
}

interface Outcomes {
  outcomes: { state: string }[];
}
const isState = (answer: Outcomes | null, state: string) => answer?.outcomes[0]?.state === state;

/** A UUIDv7, as the gateway mints them: the time, and a number that nobody else has. */
export function orderIdOf(kind: number, number: number): string {
  const ms = Date.now().toString(16).padStart(12, '0');
  const group = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${group(kind, 3)}-8${group(0, 3)}-${group(number, 12)}`;
}
