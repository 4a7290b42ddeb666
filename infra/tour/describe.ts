// A tour in words: each service's own files from door to store, then what they share.
import { SERVICES } from '../address-book/address-book.ts';
import type { Tour } from './tour.ts';

const isGenerated = (file: string) => file.includes('/gen/');
const all = (files: Tour['files']) => [...new Set(Object.values(files).flat())].toSorted();

/** Distinct files, however many processes ran them; generated code is not written, and not counted. */
export const sourcesOf = (files: Tour['files']) => all(files).filter((file) => !isGenerated(file));

export function describeTour({ files, window }: Tour): string[] {
  const generated = all(files).filter(isGenerated).length;
  const sources = sourcesOf(files);
  const own = SERVICES.map((name) => [name, sources.filter((file) => file.startsWith(`${name}/src/`))] as const);
  const shared = sources.filter((file) => !own.some(([, those]) => those.includes(file)));
  const inOrder = ['inbound', 'domain', 'outbound'];
  return [
    ...own.toReversed().flatMap(([name, those]) => {
      const paths = those.map((file) => file.slice(`${name}/src/`.length));
      const rooms = inOrder.flatMap((room) => paths.filter((path) => path.startsWith(`${room}/`)));
      const others = paths.filter((path) => !rooms.includes(path));
      return [`${name}: ${those.length}, ${rooms.length} from door to store`, ...[...rooms, ...others].map(indent)];
    }),
    `rpc, messaging, runtime, contracts: ${shared.length}, and ${generated} generated`,
    ...shared.map(indent),
    '',
    `${sources.length} files with a function that ran because of the order`,
    `${sourcesOf(window).length} files in its window, with what runs without an order as well`,
  ];
}

const indent = (line: string) => `  ${line}`;
