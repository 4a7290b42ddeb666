// The numbers of the README are those of the committed report, and of no other run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMITTED, readmeRows } from './readme.ts';
import type { Summary } from './summary.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const summary: Summary = JSON.parse(read(COMMITTED));

/** Of the table below the heading; each row without its label, which is in another language in one of them. */
function figuresIn(readme: string, heading: RegExp): string[][] {
  const section = read(readme).split(heading)[1]?.split(/^## /m)[0] ?? '';
  const rows = (section.match(/^\|.*\|$/gm) ?? []).slice(2);
  return rows.map((row) =>
    row
      .split('|')
      .slice(2, -1)
      .map((each) => each.trim()),
  );
}

for (const [readme, heading] of [
  ['README.md', /^## What it costs$/m],
  ['README.zh-CN.md', /^## 代价$/m],
] as const)
  test(`the table of ${readme} says what the committed report says`, () => {
    assert.deepEqual(
      figuresIn(readme, heading),
      readmeRows(summary).map(([, ...figures]) => figures),
    );
  });

test('the committed report counts, and is one of the full comparison at a commit that is named', () => {
  assert.equal(summary.valid, true);
  assert.equal(summary.command, 'npm run loadtest');
  assert.match(summary.environment.commit ?? '', /^[0-9a-f]{7,}$/);
});

test('the committed report has a page of the same figures', () => {
  const page = read(COMMITTED.replace('summary.json', 'report.html'));
  assert.ok(page.includes(summary.environment.at));
  for (const [, ...figures] of readmeRows(summary))
    for (const figure of figures) assert.ok(page.includes(`<td>${figure}</td>`), figure);
});
