// The keys of a sale's gate in Redis: one hash slot for all of them, so that one script may touch them all.
export type Part = 'gate' | 'buyers' | 'orders' | 'due' | 'line' | 'keys';

export const keyOf = (saleId: string, part: string) => `sale:{${saleId}}:${part}`;
