// npm run mutants [-- NAME…]: takes each rule of docs/rules away in a copy of the working tree; its test must fail there.
// A name is the beginning of a file's name: 12, 12-refuse, messaging. With --table: prints what docs/protocol.md lists.
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { execa } from 'execa';
import { LOCAL, ROOT } from '../native/leftovers.ts';
import { withTestServers } from '../native/servers.ts';
import { endRequested } from '../native/signals.ts';
import { everyRule, literally, pathOf, type Rule, rulesOf } from './rule.ts';
import { tableOf } from './table.ts';

const TEST_TIMEOUT_MS = 60_000;
/** A process may hang without the rule, although its test has ended. */
const FILE_TIMEOUT_MS = 150_000;
/** Copies that are worked on at once: tests that fail mostly wait. */
const COPIES = 3;
const end = endRequested();
/** The same request with an error as its reason, on which Node's test runner insists. */
const stopTests = new AbortController();
end.addEventListener('abort', () => stopTests.abort());

async function main(names: string[]): Promise<number> {
  if (names.includes('--table')) return print(tableOf(everyRule()));
  const rules = rulesOf(names);
  if (rules.length === 0) throw new Error(`no rule in docs/rules begins with ${names.join(' or ')}`);
  return withTestServers('mutants', end, async (env) => {
    Object.assign(process.env, env);
    const copies = Array.from({ length: COPIES }, (_, i) => copyTree(`copy-${i}`));
    return hunt(rules, copies);
  });
}

function print(lines: string[]): number {
  for (const line of lines) console.log(line);
  return 0;
}

/**
 * In the directory of this run, which is removed with its servers. Installed packages are found from there, as it lies
 * below the clone; the workspace's own packages are the copy's.
 */
function copyTree(name: string): string {
  const copy = join(LOCAL, `mutants-${process.pid}`, name);
  for (const part of ['package.json', 'infra', 'services'])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  const packages = join(copy, 'node_modules/@flashsale');
  mkdirSync(packages, { recursive: true });
  const services = join(copy, 'services');
  for (const service of readdirSync(services)) symlinkSync(join(services, service), join(packages, service));
  return copy;
}

async function hunt(rules: Rule[], copies: string[]): Promise<number> {
  const broken: string[] = [];
  await share(copies, [...Map.groupBy(rules, ({ test }) => test.file)], async (copy, [file, ofFile]) => {
    const titles = [...new Set(ofFile.map(({ test }) => test.title))];
    const { passed } = await runTests(file, titles, copy);
    if (!end.aborted) broken.push(...titles.filter((title) => !passed.has(title)));
  });
  for (const title of broken) console.log(`✗ fails, or is not there, with every rule in place: "${title}"`);
  let survivors = broken.length;
  await share(copies, rules, async (copy, rule) => {
    const verdict = await verdictOn(rule, copy);
    if (end.aborted) return;
    const caught = verdict === 'caught';
    if (!caught) survivors += 1;
    console.log(`${caught ? '✓' : '✗'} ${rule.name}: ${caught ? `caught by "${rule.test.title}"` : verdict}`);
  });
  if (end.aborted) return 130;
  const caught = survivors === 0 ? 'all caught' : `${survivors} not caught`;
  console.log(`\n${rules.length} rules taken away: ${caught}`);
  return survivors === 0 ? 0 : 1;
}

/** Each copy takes one task after the other, and none once the end is requested. */
async function share<Task>(copies: string[], tasks: Task[], work: (copy: string, task: Task) => Promise<void>) {
  const remaining = tasks.values();
  const workOn = async (copy: string) => {
    for (const task of remaining) if (!end.aborted) await work(copy, task);
  };
  await Promise.all(copies.map(workOn));
}

async function verdictOn(rule: Rule, copy: string): Promise<string> {
  const { file, title } = rule.test;
  try {
    await apply(rule, copy);
  } catch (error) {
    return `cannot be taken away: ${error instanceof Error ? error.message : error}`;
  }
  try {
    const { passed, failed } = await runTests(file, [title], copy);
    // A file that cannot even be loaded fails as well, but does not show that the rule is tested.
    if (failed.has(title)) return 'caught';
    return passed.has(title) ? 'NOT CAUGHT' : `"${title}" could not be run`;
  } finally {
    await apply(rule, copy, '--reverse');
  }
}

/** Without the clone's repository, in which the copy lies: git would take the paths as the clone's. */
const apply = (rule: Rule, copy: string, ...options: string[]) =>
  execa('git', ['apply', ...options, join(ROOT, pathOf(rule))], {
    cwd: copy,
    env: { GIT_CEILING_DIRECTORIES: join(copy, '..') },
  });

async function runTests(file: string, titles: string[], cwd: string) {
  const events = run({
    cwd,
    files: [join(cwd, file)],
    execArgv: [`--test-timeout=${TEST_TIMEOUT_MS}`],
    testNamePatterns: titles.map((title) => new RegExp(`^${literally(title)}$`)),
    signal: AbortSignal.any([stopTests.signal, AbortSignal.timeout(FILE_TIMEOUT_MS)]),
  });
  const [passed, failed] = [new Set<string>(), new Set<string>()];
  for await (const { type, data } of events) {
    if (type === 'test:pass' && data.skip === undefined) passed.add(data.name);
    if (type === 'test:fail') failed.add(data.name);
  }
  return { passed, failed };
}

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  if (!end.aborted) console.error(error instanceof Error ? error.message : error);
  return end.aborted ? 130 : 1;
});
