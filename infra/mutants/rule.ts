// A rule of the protocol as docs/rules has it: NN-name.diff takes it away. NN is its row in docs/protocol.md; a rule that
// only one package needs begins with the package's name instead.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from '../native/leftovers.ts';

export interface Rule {
  /** The file's name without `.diff`. */
  name: string;
  /** Row of the protocol or package. */
  row: string;
  promise: string;
  /** The shortest trace without the rule, and what it breaks. */
  breaks: string;
  test: { file: string; title: string };
  /** The files that the diff changes. */
  files: string[];
}

const RULES = 'docs/rules';

export const pathOf = ({ name }: Pick<Rule, 'name'>) => `${RULES}/${name}.diff`;

export const everyRule = (): Rule[] =>
  readdirSync(join(ROOT, RULES))
    .filter((file) => file.endsWith('.diff'))
    .toSorted()
    .map((file) => readRule(basename(file, '.diff')));

/** Those whose names begin with one of these: a row, a package or a whole name; all of them without any. */
export function rulesOf(beginnings: string[]): Rule[] {
  const names = beginnings.map((one) => basename(one, '.diff')).map((one) => (/^\d$/.test(one) ? `0${one}` : one));
  return everyRule().filter(({ name }) => names.length === 0 || names.some((one) => name.startsWith(one)));
}

function readRule(name: string): Rule {
  const text = readFileSync(join(ROOT, pathOf({ name })), 'utf8');
  const header = (field: string) => {
    const [, value] = new RegExp(`^${field}: (.+)$`, 'm').exec(text) ?? [];
    if (!value) throw new Error(`${pathOf({ name })} has no line "${field}: …"`);
    return value;
  };
  const [file = '', title = ''] = header('Test').split(' › ');
  return {
    name,
    row: name.split('-')[0] as string,
    promise: header('Promise'),
    breaks: header('Breaks'),
    test: { file, title },
    files: [...text.matchAll(/^\+\+\+ b\/(.+)$/gm)].map(([, changed]) => changed as string),
  };
}

/** A pattern for the title; a placeholder in the title stands for any text. */
const patternOf = (title: string) =>
  new RegExp(
    `^${title
      .split(/\$\{.*?\}/)
      .map(literally)
      .join('.+')}$`,
  );

export const literally = (text: string) => text.replace(/[^\w ]/g, '\\$&');

export const hasTest = ({ file, title }: Rule['test']) =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\btest\(\s*(['"`])(.*?)\1,/g)].some(([, , found = '']) =>
    patternOf(found).test(title),
  );
