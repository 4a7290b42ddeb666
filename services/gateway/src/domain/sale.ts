// A sale as its gate and its readers need it.
export interface Sale {
  id: string;
  sku: string;
  title: string;
  /** Minor currency units and an ISO 4217 code. */
  price: { amountMinor: number; currency: string };
  stock: number;
  /** Unix milliseconds. */
  opensAtMs: number;
  closesAtMs: number;
  perBuyerLimit: number;
  mode: 'queued' | 'direct';
  checkout: 'instant' | 'hold';
  holdSeconds: number;
  decideWithinSeconds: number;
  closed: boolean;
  /** Of inventory; 0 until the first gate is opened. */
  epoch: number;
  revision: number;
}
