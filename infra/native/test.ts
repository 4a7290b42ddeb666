// npm test: every check in order, on private servers that are gone afterwards. npm test -- FILE…: those tests alone.
import fs from 'node:fs';
import { ownProject, removeProject, whyNoDocker } from '../node/engine.ts';
import { ROOT } from './leftovers.ts';
import { endRequested } from './signals.ts';
import { createRun, type Outcome, runStages, type Stage } from './stages.ts';
import { withTestServers } from './test-servers.ts';

/** Each starts the whole system in processes of its own, so they go one after the other. */
const WHOLE_SYSTEM = ['loadtest/faults/kill.test.ts', 'infra/native/readme.test.ts'];
const IN_CONTAINERS = ['infra/node/docker.test.ts'];
const ALL_TESTS = ['services/**/*.test.ts', 'loadtest/**/*.test.ts', 'infra/**/*.test.ts'];
const end = endRequested();

const run = createRun(end);

const test = (files: string[]) => runStages(files.length > 0 ? [testsStage(files)] : allStages(), 'passed', end);

function allStages(): Stage[] {
  return [
    { name: 'lint', run: () => run('node_modules/.bin/biome', ['check', '.']) },
    { name: 'types', run: () => run('npm', ['run', '--silent', 'typecheck']) },
    testsStage(fs.globSync(ALL_TESTS, { cwd: ROOT, exclude: ['node_modules/**', ...WHOLE_SYSTEM, ...IN_CONTAINERS] })),
    { name: 'whole system', run: () => run(process.execPath, ['--test', '--test-concurrency=1', ...WHOLE_SYSTEM]) },
    { name: 'demo', run: () => run(process.execPath, ['loadtest/demo/main.ts', '--once', '--plain']) },
    { name: 'docker', run: inContainers },
  ];
}

async function inContainers(): Promise<Outcome> {
  const skipped = await whyNoDocker();
  if (skipped) return { skipped };
  const project = ownProject();
  try {
    const options = ['--test', '--test-timeout=300000', '--test-reporter=spec'];
    return await run(process.execPath, [...options, ...IN_CONTAINERS], { COMPOSE_PROJECT_NAME: project });
  } finally {
    // Also when the tests were killed: containers outlive whoever started them.
    await removeProject(project);
  }
}

function testsStage(files: string[]): Stage {
  return { name: 'tests', run: () => withTestServers('test', end, (env) => runTests(files, env)).catch(sayWhy) };
}

function sayWhy(error: unknown): number {
  if (!end.aborted) console.error(error instanceof Error ? error.message : error);
  return 1;
}

function runTests(files: string[], env: Record<string, string>): Promise<number> {
  const options = ['--test', '--test-concurrency=4', '--test-timeout=120000', '--test-reporter=spec'];
  return run(process.execPath, [...options, ...files], env);
}

process.exit(await test(process.argv.slice(2)));
