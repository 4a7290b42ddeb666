// Where the .proto files lie, for gRPC reflection.
import { fileURLToPath } from 'node:url';

export const protoFolder = fileURLToPath(new URL('../proto', import.meta.url));
export const ordersProto = 'flashsale/orders/v1/orders.proto';
export const inventoryProto = 'flashsale/inventory/v1/inventory.proto';
export const paymentProto = 'flashsale/payment/v1/payment.proto';
