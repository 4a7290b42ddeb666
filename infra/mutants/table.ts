// The rules as docs/protocol.md lists them, a line for each row: the promises, each leading to the file that takes it
// away, the code that keeps them, and the tests that fail.
import { basename } from 'node:path';
import { pathOf, type Rule } from './rule.ts';

/** Relative to docs/. */
const link = (path: string, text: string) => `[${text}](${path.startsWith('docs/') ? path.slice(5) : `../${path}`})`;

const links = (paths: string[], suffix = '') =>
  [...new Set(paths)].map((path) => link(path, basename(path, suffix))).join(', ');

export const tableOf = (rules: Rule[]) =>
  [...Map.groupBy(rules, ({ row }) => row)].map(([row, ofRow]) => {
    const promises = ofRow.map((rule) => link(pathOf(rule), rule.promise)).join(' ');
    const code = links(ofRow.flatMap(({ files }) => files));
    const tests = links(
      ofRow.map(({ test }) => test.file),
      '.test.ts',
    );
    return `| ${row.replace(/^0/, '')} | ${promises} | ${code} | ${tests} |`;
  });
