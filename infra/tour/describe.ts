// A tour in words: each service's own files from door to store, then what they share.
import { SERVICES } from '../address-book/address-book.ts';
import type { ByService } from '../native/addresses.ts';

const isGenerated = (file: string) => file.includes('/gen/');
const ofTheBank = (file: string) => file.startsWith('bank/');

/** The shop's distinct files, however many processes ran them. Generated code is not written, and the bank is outside. */
export const sourcesOf = (files: ByService<string[]>) =>
  all(files).filter((file) => !isGenerated(file) && !ofTheBank(file));

export function describeTour(files: ByService<string[]>): string[] {
  const sources = sourcesOf(files);
  const own = SERVICES.map((name) => [name, all(files).filter((file) => file.startsWith(`${name}/src/`))] as const);
  const shared = sources.filter((file) => !own.some(([, those]) => those.includes(file)));
  const inOrder = ['inbound', 'domain', 'outbound'];
  return [
    ...own.toReversed().flatMap(([name, those]) => {
      const paths = those.map((file) => file.slice(`${name}/src/`.length));
      const rooms = inOrder.flatMap((room) => paths.filter((path) => path.startsWith(`${room}/`)));
      const others = paths.filter((path) => !rooms.includes(path));
      return [`${name}: ${those.length}`, ...[...rooms, ...others].map(indent)];
    }),
    `rpc, messaging, runtime, contracts: ${shared.length}, and ${all(files).filter(isGenerated).length} generated`,
    ...shared.map(indent),
    '',
    `${sources.length} files of the shop with a function that ran because of the order, and ${all(files).filter(ofTheBank).length} of the bank`,
  ];
}

const all = (files: ByService<string[]>) => [...new Set(Object.values(files).flat())].toSorted();

const indent = (line: string) => `  ${line}`;
