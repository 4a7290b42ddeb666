// The pages keep up with the code: links lead somewhere, the exercises' changes still apply, their tests still have those names.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './leftovers.ts';

const PAGES = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT });
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');
const blocks = (page: string, language: string) =>
  [...read(page).matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block as string);
const withoutCode = (page: string) => read(page).replace(/^```.*?^```$/gms, '');

test('the README is not longer than a reader', () => {
  for (const page of PAGES.filter((name) => name.startsWith('README')))
    assert.ok(read(page).trimEnd().split('\n').length <= 250, `${page} has more than 250 lines`);
});

for (const page of PAGES) {
  test(`every link of ${page} leads to something`, () => {
    const targets = [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target as string);
    const headings = (of: string) =>
      [...read(of).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading as string));
    const broken = targets
      .filter((target) => !/^(https?|mailto):/.test(target))
      .filter((target) => {
        const [file, anchor] = target.split('#') as [string, string | undefined];
        const path = file ? join(dirname(page), file) : page;
        return !existsSync(join(ROOT, path)) || (anchor !== undefined && !headings(path).includes(anchor));
      });
    assert.deepEqual(broken, []);
  });
}

const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

for (const page of PAGES.filter((name) => blocks(name, 'diff').length > 0)) {
  test(`every change of ${page} can be made to the code as it is`, () => {
    for (const change of blocks(page, 'diff'))
      assert.doesNotThrow(
        () =>
          execFileSync('git', ['apply', '--check', '-'], { cwd: ROOT, input: change, stdio: ['pipe', 'pipe', 'pipe'] }),
        change,
      );
  });

  test(`every test that ${page} runs is there`, () => {
    const commands = blocks(page, 'sh').flatMap((block) => block.match(/^npm test -- .*$/gm) ?? []);
    for (const command of commands) {
      const [, pattern] = /--test-name-pattern='([^']+)'/.exec(command) ?? [];
      for (const file of command.match(/\S+\.test\.ts/g) ?? []) {
        const names = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/test\(\s*(['"`])(.*?)\1/g)];
        const found = names.some(([, , name]) => new RegExp(pattern ?? '').test(name as string));
        assert.ok(found, `${command}: ${file} has no such test`);
      }
    }
  });
}

const CHINESE = 'README.zh-CN.md';
/** Its parts, as the other page must have them: what is typed, what is linked, what was measured, in their order. */
function skeleton(page: string) {
  const text = read(page);
  const sections = withoutCode(page).split(/^(?=#+ )/m);
  const numbers = (part: string) =>
    (part.replace(/\]\([^)]*\)|`[^`]*`/g, ']').match(/\d[\d,.]*\d|\d/g) ?? []).toSorted();
  return {
    headings: [...text.replace(/^```.*?^```$/gms, '').matchAll(/^#+ /gm)].map(([level]) => level),
    commands: blocks(page, 'sh').map((block) => block.replace(/ +#.*$/gm, '')),
    output: blocks(page, 'text'),
    links: sections.map((part) => [...part.matchAll(/\]\(([^)#\s]+)/g)].map(([, target]) => target).toSorted()),
    code: sections.map((part) => [...new Set(part.match(/`[^`]+`/g))].toSorted()),
    numbers: sections.map(numbers),
  };
}

test('the Chinese README has the same sections, commands, output, links, names and numbers', () => {
  const [english, chinese] = [skeleton('README.md'), skeleton(CHINESE)];
  // Each of them leads to the other.
  const others = (links: (string | undefined)[]) => links.filter((link) => !link?.startsWith('README'));
  assert.deepEqual({ ...chinese, links: chinese.links.map(others) }, { ...english, links: english.links.map(others) });
});

test('what the README says was measured stands in the output it shows, or in an exercise', () => {
  const shown = [...blocks('README.md', 'text'), read('docs/exercises.md')].join('\n');
  const comparison = read('README.md').split('## RPC and MQ, where each stands')[1]?.split('### ')[0] ?? '';
  const measured = [...comparison.matchAll(/_Measured: (.*?)_\n|\*\*Where the queue is worse\.\*\*(.*?)\n\n/gs)];
  assert.equal(measured.length, 5);
  for (const [sentence] of measured) {
    const figures = sentence.replace(/\]\([^)]*\)|`[^`]*`|exercise \d+/g, '').match(/\d[\d,.]*( ms| s\b)?/g) ?? [];
    const absent = figures.map((figure) => figure.replace(/[.,]$/, '')).filter((figure) => !shown.includes(figure));
    assert.deepEqual(absent, [], sentence);
  }
});
