// Inbound gRPC: requests are read and checked, outcomes become messages and status codes.
import { reservationState } from '@flashsale/contracts/fields';
import * as wire from '@flashsale/contracts/inventory';
import { inventoryProto, protoFolder } from '@flashsale/contracts/proto';
import type { NewSale, Sale } from '@flashsale/contracts/sale';
import { invalid, RpcError, read, status } from '@flashsale/rpc/handlers';
import { startRpcServer } from '@flashsale/rpc/server';
import type { Log } from '@flashsale/runtime/log';
import type { Registry } from '@prometheus-io/client';
import type { Config } from '../config.ts';
import type { Item, Order } from '../domain/allocate.ts';
import type { Ports } from '../domain/ports.ts';
import type { Outcome } from '../domain/reservations.ts';
import type { Change, Changed } from '../domain/sale.ts';
import { Confirm, CreateSale, GetSale, Release, Reopen, Reserve, UpdateSale } from './requests.ts';

interface UseCases {
  createSale(sale: NewSale): Promise<Sale | undefined>;
  findSale(saleId: string): Promise<Sale | undefined>;
  listSales(): Promise<Sale[]>;
  changeSale(saleId: string, change: Change): Promise<Changed | undefined>;
  reopen: Ports['reopen'];
  reserve(orders: Order[]): Promise<Outcome[]>;
  confirm(orderIds: string[]): Promise<Outcome[]>;
  release(items: Item[]): Promise<Outcome[]>;
}

export function startRpc(config: Config, useCases: UseCases, log: Log, registry: Registry) {
  const service = { service: wire.InventoryServiceService, handlers: createHandlers(useCases) };
  const server = { host: config.HOST, port: config.GRPC_PORT, log, registry };
  return startRpcServer({ ...server, ...service, protoFolder, protoFile: inventoryProto });
}

function createHandlers(useCases: UseCases) {
  return {
    async createSale(request: wire.CreateSaleRequest): Promise<wire.CreateSaleResponse> {
      const { sale } = read(CreateSale, request);
      return { sale: await useCases.createSale(sale) };
    },
    async getSale(request: wire.GetSaleRequest): Promise<wire.GetSaleResponse> {
      const { saleId } = read(GetSale, request);
      return { sale: found(saleId, await useCases.findSale(saleId)) };
    },
    async listSales(): Promise<wire.ListSalesResponse> {
      return { sales: await useCases.listSales() };
    },
    async updateSale(request: wire.UpdateSaleRequest): Promise<wire.UpdateSaleResponse> {
      const { saleId, ...change } = read(UpdateSale, request);
      const outcome = found(saleId, await useCases.changeSale(saleId, change));
      if ('problems' in outcome) throw invalid(outcome.problems);
      if ('outdated' in outcome) fail(status.ABORTED, `the sale is no longer at revision ${change.expectedRevision}`);
      return outcome;
    },
    async *reopen(request: wire.ReopenRequest): AsyncGenerator<wire.ReopenResponse> {
      const { saleId, expectedEpoch, gateEpoch } = read(Reopen, request);
      const reopened = await useCases.reopen(saleId, { expected: expectedEpoch, ofGate: gateEpoch });
      if (reopened === 'busy') return fail(status.RESOURCE_EXHAUSTED, 'too many sales are being reopened');
      if (reopened === 'lost')
        return fail(status.ABORTED, whyNotReopened(found(saleId, await useCases.findSale(saleId)), expectedEpoch));
      try {
        yield { sale: reopened.sale, reservations: [] };
        for await (const reservations of reopened.pages()) yield { sale: undefined, reservations };
      } finally {
        await reopened.close();
      }
    },
    async reserve(request: wire.ReserveRequest): Promise<wire.ReserveResponse> {
      const outcomes = await useCases.reserve(read(Reserve, request).items);
      return {
        outcomes: outcomes.map((outcome) => ({
          ...toWire(outcome),
          reason: outcome.reason ?? '',
          amount: outcome.amount,
          checkout: outcome.terms?.checkout ?? '',
          holdSeconds: outcome.terms?.holdSeconds ?? 0,
          decideWithinSeconds: outcome.terms?.decideWithinSeconds ?? 0,
        })),
      };
    },
    async confirm(request: wire.ConfirmRequest): Promise<wire.ConfirmResponse> {
      return { outcomes: (await useCases.confirm(read(Confirm, request).orderIds)).map(toWire) };
    },
    async release(request: wire.ReleaseRequest): Promise<wire.ReleaseResponse> {
      return { outcomes: (await useCases.release(read(Release, request).items)).map(toWire) };
    },
  } satisfies Record<keyof wire.InventoryServiceService, unknown>;
}

const toWire = ({ orderId, state }: Outcome): wire.ReservationOutcome => ({
  orderId,
  state: reservationState.toWire(state),
});

const whyNotReopened = ({ epoch }: Sale, expected: number) =>
  epoch === expected ? 'the sale was reopened a moment ago' : `the sale is in epoch ${epoch}, not ${expected}`;

function found<Found>(saleId: string, known: Found | undefined): Found {
  return known ?? fail(status.NOT_FOUND, `there is no sale ${saleId}`);
}

function fail(code: status, message: string): never {
  throw new RpcError(code, message);
}
