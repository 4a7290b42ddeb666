// A sale as its gate and its readers need it.
import type { Money } from '@flashsale/contracts/fields';

export interface Sale {
  id: string;
  sku: string;
  title: string;
  price: Money;
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
