// The pages keep up: their links lead somewhere, what they call measured was shown, both READMEs say the same, and the
// exercises do not rot.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './leftovers.ts';

const PAGES = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT });

const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** The text between the fences of a language. */
const blocks = (page: string, language: string) =>
  [...read(page).matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block as string);

/** All but what stands between fences. */
const prose = (page: string) => read(page).replace(/^```.*?^```$/gms, '');

/** Figures with their unit: 1,000 or 6.3 s. */
const figures = (text: string) => text.match(/\d[\d,.]*\d(?: ms| s\b)?|\d(?: ms| s\b)?/g) ?? [];

const [ENGLISH, CHINESE] = ['README.md', 'README.zh-CN.md'];

test('a README has at most 130 lines and 12 KB', () => {
  for (const page of [ENGLISH, CHINESE]) {
    assert.ok(read(page).trimEnd().split('\n').length <= 130, page);
    assert.ok(Buffer.byteLength(read(page)) <= 12 * 1024, page);
  }
});

/** On the web, or a page of the forge that shows this repository: the CI runs. */
const ELSEWHERE = /^(https?:|mailto:|\.\.\/\.\.\/actions\/)/;

for (const page of PAGES) {
  test(`every link of ${page} leads to something`, () => {
    const links = prose(page).matchAll(/(?:\]\(|src=")([^)"\s]+)[)"]/g);
    const targets = [...links].map(([, target]) => target as string);
    assert.deepEqual(
      targets.filter((target) => !ELSEWHERE.test(target) && !leadsSomewhere(page, target)),
      [],
    );
  });
}

function leadsSomewhere(page: string, target: string): boolean {
  const [file, anchor] = target.split('#') as [string, string | undefined];
  const path = file ? join(dirname(page), file) : page;
  return existsSync(join(ROOT, path)) && (anchor === undefined || anchorsOf(path).includes(anchor));
}

/** As GitHub makes them of headings. */
const anchorsOf = (page: string) =>
  [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );

/** The parts that both READMEs must share, section by section. */
function skeleton(page: string) {
  const sections = prose(page).split(/^(?=#+ )/m);
  const linksOf = (section: string) =>
    [...section.matchAll(/(?:\]\(|src=")([^)"#\s]+)/g)].map(([, target]) => target as string);
  const withoutNames = (section: string) => section.replace(/\]\([^)]*\)|`[^`]*`/g, ']');
  return {
    headings: sections.map((section) => /^#*/.exec(section)?.[0]),
    commands: blocks(page, 'sh').map((block) => block.replace(/ +#.*$/gm, '')),
    output: blocks(page, 'text'),
    // Each of them leads to the other.
    links: sections.map((section) =>
      linksOf(section)
        .filter((link) => !link.startsWith('README'))
        .toSorted(),
    ),
    names: sections.map((section) => [...new Set(section.match(/`[^`]+`/g))].toSorted()),
    numbers: sections.map((section) => (withoutNames(section).match(/\d[\d,.]*\d|\d/g) ?? []).toSorted()),
  };
}

test('the Chinese README has the same sections, commands, output, links, names and numbers', () => {
  assert.deepEqual(skeleton(CHINESE), skeleton(ENGLISH));
});

test('the figures of the comparison stand in the committed report, or in an exercise', () => {
  const shown = new Set(figures(`${read('loadtest/results/reference/report.md')}\n${read('docs/exercises.md')}`));
  const page = read('docs/rpc-or-queue.md');
  const [, worse = ''] = page.split(/^### Where the queue is worse\n/m);
  const measured = [...[...page.matchAll(/_Measured: .*?_\n/gs)].map(([text]) => text), worse.split(/^#/m)[0] ?? ''];
  assert.ok(measured.length >= 5);
  for (const text of measured) {
    const said = figures(text.replace(/\]\([^)]*\)|`[^`]*`|exercise \d+|p50|p99|\b(?:202|504)\b/g, ''));
    // A unit may stand with the figure before it.
    const absent = said.filter((one) => !['', ' ms', ' s'].some((unit) => shown.has(`${one}${unit}`)));
    assert.deepEqual(absent, [], text);
  }
});

const EXERCISES = 'docs/exercises.md';

test('every change of the exercises can be made to the code as it is', () => {
  const rules = [...read(EXERCISES).matchAll(/^git apply (docs\/rules\/\S+\.diff)$/gm)];
  const changes = [...blocks(EXERCISES, 'diff'), ...rules.map(([, file]) => read(file as string))];
  assert.ok(changes.length >= 10);
  for (const change of changes) {
    const apply = () => execFileSync('git', ['apply', '--check', '-'], { cwd: ROOT, input: change, stdio: 'pipe' });
    assert.doesNotThrow(apply, change);
  }
});

test('every test that an exercise runs is there', () => {
  const commands = blocks(EXERCISES, 'sh').flatMap((block) => block.match(/^npm run test:files -- .*$/gm) ?? []);
  assert.ok(commands.length >= 4);
  for (const command of commands) {
    const file = /\S+\.test\.ts/.exec(command)?.[0] ?? assert.fail(command);
    const pattern = new RegExp(/--test-name-pattern='([^']+)'/.exec(command)?.[1] ?? '');
    const names = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/test\(\s*(['"`])(.*?)\1/g)];
    assert.ok(
      names.some(([, , name]) => pattern.test(name as string)),
      command,
    );
  }
});

const PROTOCOL = 'docs/protocol.md';

/** The cells of one column of the table below a heading. */
function column(page: string, heading: string, index: number): string[] {
  const [section = ''] = read(page).split(`\n## ${heading}\n`)[1]?.split('\n## ') ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((row) => row.split('|')[index + 1]?.trim() ?? '');
}

test('the protocol names each statement that decides as orders does', () => {
  const named =
    column(PROTOCOL, 'Every decision is one statement', 1)
      .join(' ')
      .match(/[A-Z_]+/g) ?? [];
  const decisions = read('services/orders/src/outbound/decisions.ts');
  const deciding = /^export const ([A-Z_]+) =/gm;
  assert.deepEqual(named.toSorted(), [...decisions.matchAll(deciding)].map(([, name]) => name).toSorted());
});

test('the protocol names the gate’s scripts as their files do', () => {
  const scripts = column(PROTOCOL, "The gate's scripts", 0);
  assert.ok(scripts.length >= 10);
  for (const script of scripts)
    assert.ok(existsSync(join(ROOT, `services/gateway/src/outbound/gate/${script}.lua`)), script);
});
