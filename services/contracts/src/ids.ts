// Ids are UUIDv7: their first 48 bits are the millisecond in which they were minted.
import { v7, validate, version } from 'uuid';

/** `msecs`: Unix milliseconds, of another clock than this machine's. */
export const mintId = (msecs?: number) => (msecs === undefined ? v7() : v7({ msecs }));

export const isUuid = validate;

/** Unix milliseconds, or undefined for what is not an id of ours. */
export function mintedAt(id: string): number | undefined {
  if (!validate(id) || version(id) !== 7) return undefined;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
