// npm run mutants [-- ROW…]: switches each rule off in a copy of the working tree; its test must fail there.
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { LOCAL, ROOT } from '../native/leftovers.ts';
import { withTestServers } from '../native/servers.ts';
import { endRequested } from '../native/signals.ts';
import { chassis } from './chassis.ts';
import { gateway } from './gateway.ts';
import type { Mutant } from './mutant.ts';
import { orders } from './orders.ts';

const TEST_TIMEOUT_MS = 60_000;
/** A process may hang without the rule, although its test has ended. */
const FILE_TIMEOUT_MS = 150_000;
/** Copies that are worked on at once: tests that fail mostly wait. */
const COPIES = 3;
const end = endRequested();
/** The same request with an error as its reason, on which Node's test runner insists. */
const stopTests = new AbortController();
end.addEventListener('abort', () => stopTests.abort());

async function main(rows: string[]): Promise<number> {
  const wanted = [...gateway, ...orders, ...chassis].filter(({ row }) => rows.length === 0 || rows.includes(row));
  if (wanted.length === 0) throw new Error(`no mutant of row ${rows.join(', ')}`);
  return withTestServers('mutants', end, async (env) => {
    Object.assign(process.env, env);
    const copies = Array.from({ length: COPIES }, (_, i) => copyTree(`copy-${i}`));
    return hunt(wanted, copies);
  });
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

async function hunt(mutants: Mutant[], copies: string[]): Promise<number> {
  const broken: string[] = [];
  await share(copies, [...Map.groupBy(mutants, ({ test }) => test.file)], async (copy, [file, ofFile]) => {
    const names = [...new Set(ofFile.map(({ test }) => test.name))];
    const { passed } = await runTests(file, names, copy);
    if (!end.aborted) broken.push(...names.filter((name) => !passed.has(name)));
  });
  for (const name of broken) console.log(`✗ fails, or is not there, with every rule on: "${name}"`);
  let survivors = broken.length;
  await share(copies, mutants, async (copy, mutant) => {
    const verdict = await verdictOn(mutant, copy);
    if (end.aborted) return;
    const caught = verdict === 'caught';
    if (!caught) survivors += 1;
    const result = caught ? `caught by "${mutant.test.name}"` : verdict;
    console.log(`${caught ? '✓' : '✗'} row ${mutant.row}  ${mutant.rule}  ${result}`);
  });
  if (end.aborted) return 130;
  const noticed = survivors === 0 ? 'all noticed' : `${survivors} not noticed`;
  console.log(`\n${mutants.length} rules switched off: ${noticed}`);
  return survivors === 0 ? 0 : 1;
}

/** Each copy takes one task after the other, and none once the end is requested. */
async function share<Task>(copies: string[], tasks: Task[], work: (copy: string, task: Task) => Promise<void>) {
  const left = tasks.values();
  const workOn = async (copy: string) => {
    for (const task of left) if (!end.aborted) await work(copy, task);
  };
  await Promise.all(copies.map(workOn));
}

async function verdictOn({ file, find, replace, test }: Mutant, copy: string): Promise<string> {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  const places = source.split(find).length - 1;
  if (places !== 1) return `cannot be switched off: what to replace is there ${places} times in ${file}`;
  writeFileSync(path, source.split(find).join(replace));
  try {
    const { passed, failed } = await runTests(test.file, [test.name], copy);
    // A file that cannot even be loaded fails as well, but does not show that the rule is tested.
    if (failed.has(test.name)) return 'caught';
    return passed.has(test.name) ? 'NOT NOTICED' : `"${test.name}" could not be run`;
  } finally {
    writeFileSync(path, source);
  }
}

async function runTests(file: string, names: string[], cwd: string) {
  const events = run({
    cwd,
    files: [join(cwd, file)],
    execArgv: [`--test-timeout=${TEST_TIMEOUT_MS}`],
    testNamePatterns: names.map((name) => new RegExp(`^${name.replace(/[^\w ]/g, '\\$&')}$`)),
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
