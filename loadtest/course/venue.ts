// Writes what the scripts must know of a stack, so that k6 signs nothing and asks nobody.
import { renameSync, writeFileSync } from 'node:fs';
import { createBuyers, createTokens } from '../../infra/buyers/buyers.ts';
import type { Venue } from '../k6/venue-file.ts';

export type VenueStack = Omit<Venue, 'adminToken' | 'buyers'> & { tokenSecret: string };

export function writeVenue(file: string, stack: VenueStack, buyers: number, mode = 0o600): void {
  const { gatewayUrl, bankUrl, bankApiKey, addresses, tokenSecret } = stack;
  const venue: Venue = {
    gatewayUrl,
    bankUrl,
    bankApiKey,
    adminToken: createTokens(tokenSecret)('k6', { admin: true }),
    addresses,
    buyers: createBuyers(tokenSecret, 'k6', buyers).map(({ token }) => token),
  };
  writeFileSync(`${file}.new`, JSON.stringify(venue), { mode });
  renameSync(`${file}.new`, file);
}
