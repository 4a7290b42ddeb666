// Each mutant can still be applied, and its test is still there: cheap, so that neither is missed until all are run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../native/leftovers.ts';
import { chassis } from './chassis.ts';
import { gateway } from './gateway.ts';
import { orders } from './orders.ts';

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const literally = (text: string) => text.replace(/[^\w ]/g, '\\$&');

/** A pattern for each title in the file; a placeholder in a title stands for any text. */
const titlesIn = (file: string) =>
  [...read(file).matchAll(/\btest\(\s*(['"`])(.*?)\1,/g)].map(
    ([, , title = '']) =>
      new RegExp(
        `^${title
          .split(/\$\{.*?\}/)
          .map(literally)
          .join('.+')}$`,
      ),
  );

for (const { row, rule, file, find, replace, test: named } of [...gateway, ...orders, ...chassis]) {
  test(`row ${row}: ${rule}`, () => {
    assert.equal(read(file).split(find).length - 1, 1, `places in ${file} of what to replace`);
    assert.notEqual(find, replace);
    const title = titlesIn(named.file).find((pattern) => pattern.test(named.name));
    assert.ok(title, `${named.file} has no test "${named.name}"`);
  });
}
