// npm run mutants [-- ROW…]: switches each rule off in a copy of the working tree; the test that is named must fail there.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withTestServers } from '../native/servers.ts';
import { endRequested } from '../native/signals.ts';
import { mutants as chassis } from './chassis.ts';
import { copyTree } from './copy-tree.ts';
import { mutants as gateway } from './gateway.ts';
import type { Mutant } from './mutant.ts';
import { mutants as orders } from './orders.ts';

const LONGEST_TEST_MS = 60_000;
/** What a rule kept from wedging may wedge without it: the process does not end, though its test has. */
const LONGEST_FILE_MS = 150_000;
/** Copies that are worked on at once: tests that fail mostly wait. */
const LANES = 3;
const end = endRequested();

async function main(rows: string[]): Promise<number> {
  const wanted = [...gateway, ...orders, ...chassis].filter(({ row }) => rows.length === 0 || rows.includes(row));
  if (wanted.length === 0) throw new Error(`no mutant of row ${rows.join(', ')}`);
  const copies = Array.from({ length: LANES }, () => mkdtempSync(join(tmpdir(), 'flashsale-mutants-')));
  try {
    for (const copy of copies) copyTree(copy);
    return await withTestServers('mutants', end, (env) => hunt(wanted, copies, env));
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  }
}

async function hunt(mutants: Mutant[], copies: string[], env: Record<string, string>): Promise<number> {
  const broken: string[] = [];
  await inLanes(copies, [...Map.groupBy(mutants, ({ test }) => test.file)], async (copy, [file, ofFile]) => {
    const names = [...new Set(ofFile.map(({ test }) => test.name))];
    const { passed } = await runTests(file, names, copy, env);
    broken.push(...names.filter((name) => !passed.has(name)));
  });
  for (const name of broken) console.log(`✗ fails, or is not there, with every rule on: "${name}"`);
  let survivors = broken.length;
  await inLanes(copies, mutants, async (copy, mutant) => {
    const verdict = await verdictOn(mutant, copy, env);
    if (end.aborted) return;
    if (verdict !== 'caught') survivors += 1;
    const said = verdict === 'caught' ? `caught by "${mutant.test.name}"` : verdict;
    console.log(`${verdict === 'caught' ? '✓' : '✗'} row ${mutant.row}  ${mutant.rule}  ${said}`);
  });
  if (end.aborted) return 130;
  console.log(
    `\n${mutants.length} rules switched off: ${survivors === 0 ? 'all noticed' : `${survivors} not noticed`}`,
  );
  return survivors === 0 ? 0 : 1;
}

/** Each copy does one thing after the other; nothing more is begun when the end is asked for. */
async function inLanes<Each>(copies: string[], all: Each[], work: (copy: string, each: Each) => Promise<void>) {
  const left = all.values();
  await Promise.all(
    copies.map(async (copy) => {
      for (const each of left) if (!end.aborted) await work(copy, each);
    }),
  );
}

async function verdictOn(mutant: Mutant, copy: string, env: Record<string, string>): Promise<string> {
  const path = join(copy, mutant.file);
  const source = readFileSync(path, 'utf8');
  const places = source.split(mutant.find).length - 1;
  if (places !== 1) return `cannot be switched off: what to replace is there ${places} times in ${mutant.file}`;
  writeFileSync(
    path,
    source.replace(mutant.find, () => mutant.replace),
  );
  try {
    const { passed, failed } = await runTests(mutant.test.file, [mutant.test.name], copy, env);
    // A file that cannot even be loaded fails as well, but says nothing of the rule.
    if (failed.has(mutant.test.name)) return 'caught';
    return passed.has(mutant.test.name) ? 'NOT NOTICED' : `"${mutant.test.name}" could not be run`;
  } finally {
    writeFileSync(path, source);
  }
}

async function runTests(file: string, names: string[], cwd: string, env: Record<string, string>) {
  const patterns = names.map((name) => `--test-name-pattern=^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
  const options = ['--test', '--test-reporter=tap', `--test-timeout=${LONGEST_TEST_MS}`, ...patterns];
  const child = spawn(process.execPath, [...options, file], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const stop = () => child.kill('SIGTERM');
  end.addEventListener('abort', stop);
  const timer = setTimeout(stop, LONGEST_FILE_MS);
  let tap = '';
  child.stdout.on('data', (text) => {
    tap += text;
  });
  await new Promise((resolve) => child.once('close', resolve));
  end.removeEventListener('abort', stop);
  clearTimeout(timer);
  const named = (result: string) => {
    const lines = tap.matchAll(new RegExp(`^ *${result} \\d+ - (.*?)( # (?!SKIP).*)?$`, 'gm'));
    return new Set([...lines].map(([, name = '']) => name.replaceAll('\\', '')));
  };
  return { passed: named('ok'), failed: named('not ok') };
}

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  if (!end.aborted) console.error(error instanceof Error ? error.message : error);
  return end.aborted ? 130 : 1;
});
