// Each service by itself, called over gRPC as its callers do, and where its own knee is: inventory holds and releases a
// unit, payment charges and voids, orders takes a whole order to its end (and calls the other two for it).
// Buyers: 0
import { check, fail } from 'k6';
import grpc from 'k6/net/grpc';
import { knob } from './knobs.ts';
import { clicksOf, ladder } from './shapes.ts';
import { addresses, NO_LATENCY, openSale } from './shop.ts';
import { climb, climbing, type Data, kneeLines, print } from './summary.ts';

/** Payment last: it goes on refunding after its response. */
const CALLS = { inventory: reserveAndRelease, orders: placeOrder, payment: chargeAndVoid };
type Service = keyof typeof CALLS;
const NAMES = Object.keys(CALLS) as Service[];
const RUNGS = ladder('on', NAMES, { top: knob('TOP', 400), rungs: 4, seconds: knob('SECONDS', 2) });

export const options = climbing({ rungs: RUNGS, thresholds: { checks: ['rate==1'] } });

export function setup() {
  const saleId = openSale('direct', clicksOf(RUNGS) + 1, 0, NO_LATENCY);
  return { saleId, epoch: epochOf(saleId) };
}
type Sale = ReturnType<typeof setup>;

export default (sale: Sale) =>
  climb(RUNGS, async (index, name) => {
    const service = name as Service;
    return CALLS[service]({ ...sale, orderId: orderIdOf(service, index), buyerId: `${service}-${index}` });
  });

/** Orders that bypass the gate are unknown to it: with a new epoch it is rebuilt from the units sold. */
export async function teardown({ saleId }: Sale) {
  const epoch = epochOf(saleId);
  const reopened = await stream('inventory', 'Reopen', { saleId, expectedEpoch: epoch, gateEpoch: epoch });
  check(null, { 'the gate is replaced': () => reopened.length > 0 });
}

export const handleSummary = (data: Data) => print(data, kneeLines(data, RUNGS));

const TIMEOUT_MS = 10_000;
const client = new grpc.Client();
client.load(['../../services/contracts/proto'], ...NAMES.map((name) => `flashsale/${name}/v1/${name}.proto`));
let connectedTo: Service | undefined;

/** Null for every status but OK. */
function call<Reply>(service: Service, method: string, request: object): Reply | null {
  const response = client.invoke(pathOf(service, method), request, { timeout: TIMEOUT_MS });
  return response.status === grpc.StatusOK ? (response.message as Reply) : null;
}

/** Every message of a server stream that ended well; none of one that failed. */
function stream<Reply>(service: Service, method: string, request: object): Promise<Reply[]> {
  const messages: Reply[] = [];
  const open = new grpc.Stream(client, pathOf(service, method), { timeout: TIMEOUT_MS });
  return new Promise((resolve) => {
    open.on('data', (message) => void messages.push(message as Reply));
    open.on('error', () => resolve([]));
    open.on('end', () => resolve(messages));
    open.write(request);
    open.end();
  });
}

/** A user stays connected to the service that it called last. */
function pathOf(service: Service, method: string): string {
  const address = addresses[service] || fail(`${service.toUpperCase()}_ADDRESS must name ${service}`);
  if (connectedTo !== service) {
    client.close();
    client.connect(address, { plaintext: true, timeout: TIMEOUT_MS });
    connectedTo = service;
  }
  return `flashsale.${service}.v1.${service[0]?.toUpperCase()}${service.slice(1)}Service/${method}`;
}

/** The gate's epoch: inventory gives units only to orders that this gate admitted. */
function epochOf(saleId: string): number {
  const found = call<{ sale: { epoch: number } }>('inventory', 'GetSale', { saleId });
  return found?.sale.epoch ?? fail(`inventory does not know the sale ${saleId}`);
}

type Order = Sale & { orderId: string; buyerId: string };
type Outcomes = { outcomes: { state: string }[] };
const isState = (reply: Outcomes | null, state: string) => reply?.outcomes[0]?.state === state;

function reserveAndRelease({ epoch, ...item }: Order): boolean {
  const reserved = call<Outcomes>('inventory', 'Reserve', { items: [{ ...item, quantity: 1, epoch }] });
  const released = call<Outcomes>('inventory', 'Release', { items: [{ ...item, quantity: 1 }] });
  return isState(reserved, 'RESERVATION_STATE_HELD') && isState(released, 'RESERVATION_STATE_RELEASED');
}

/** A void is an intent: payment refunds after its response. */
async function chargeAndVoid({ orderId }: Order): Promise<boolean> {
  const item = { orderId, amount: { amountMinor: 4_900, currency: 'EUR' } };
  const [charged = null] = await stream<Outcomes>('payment', 'Charge', { items: [item] });
  const voided = call<Outcomes>('payment', 'Void', { orderIds: [orderId] });
  return isState(charged, 'CHARGE_STATE_CAPTURED') && isState(voided, 'CHARGE_STATE_REVERSING');
}

function placeOrder(order: Order): boolean {
  const command = { ...order, quantity: 1, mode: 'direct', decideWithinMs: 600_000 };
  const placed = call<{ order: { status: string } }>('orders', 'PlaceOrder', { command });
  return placed?.order.status === 'ORDER_STATUS_CONFIRMED';
}

/** A UUIDv7 as the gateway mints them: the time, then numbers that no other order has. k6 loads no npm package. */
function orderIdOf(service: Service, number: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const ms = hex(Date.now(), 12);
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${hex(NAMES.indexOf(service), 3)}-8000-${hex(number, 12)}`;
}
