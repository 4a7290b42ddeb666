// Where to ask about an order. With its sale and epoch the gate can say that it never was.
export function locationOf(order: {
  orderId: string;
  saleId?: string | undefined;
  epoch?: number | undefined;
}): string {
  const { orderId, saleId, epoch } = order;
  return `/v1/orders/${orderId}${saleId ? `?sale=${saleId}&epoch=${epoch ?? 0}` : ''}`;
}
