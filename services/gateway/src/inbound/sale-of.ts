// The sale that a path names.

import { isUuid } from '@flashsale/contracts/ids';
import type { Catalogue } from '../domain/catalogue.ts';
import type { Sale } from '../domain/sale.ts';
import { Problem } from './problems.ts';

/** In small letters, as Postgres answers it. */
export function saleIdOf({ params }: { params: { saleId: string } }): string {
  if (!isUuid(params.saleId)) throw new Problem('not-found', { detail: 'no such sale' });
  return params.saleId.toLowerCase();
}

export async function saleOf(request: { params: { saleId: string } }, catalogue: Catalogue): Promise<Sale> {
  const sale = await catalogue.find(saleIdOf(request));
  if (!sale) throw new Problem('not-found', { detail: 'no such sale' });
  return sale;
}
