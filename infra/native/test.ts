// npm run test:files: every test, on private servers that are gone afterwards; -- FILE… (and options of node --test):
// those files alone.
import fs from 'node:fs';
import { execa } from 'execa';
import { ownProject, removeProject, whyNoDocker } from '../node/engine.ts';
import { ROOT } from './leftovers.ts';
import { withTestServers } from './servers.ts';
import { endRequested } from './signals.ts';

/** Each starts the whole system in processes of its own, so they run one at a time. */
const WHOLE_SYSTEM = [
  'loadtest/faults/kill.test.ts',
  'infra/native/readme.test.ts',
  'infra/tour/tour.test.ts',
  'infra/tracing/*.test.ts',
];
const IN_CONTAINERS = ['infra/node/docker.test.ts'];
const INTERRUPTED = 130;
const end = endRequested();

async function nodeTest(timeoutS: number, args: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const nodeArgs = ['--test', '--test-reporter=spec', `--test-timeout=${timeoutS}000`, ...args];
  const options = { cwd: ROOT, env, stdio: 'inherit', reject: false, cancelSignal: end } as const;
  const { exitCode = 1 } = await execa(process.execPath, nodeArgs, options);
  return exitCode;
}

const onTestServers = (args: string[]) =>
  withTestServers('test', end, (env) => nodeTest(120, ['--test-concurrency=4', ...args], env));

async function inContainers(): Promise<number> {
  const skipped = await whyNoDocker();
  if (skipped) console.log(`containers skipped: ${skipped}`);
  if (skipped) return 0;
  const project = ownProject();
  try {
    return await nodeTest(300, IN_CONTAINERS, { COMPOSE_PROJECT_NAME: project });
  } finally {
    // Also when the tests were killed: containers outlive the process that started them.
    await removeProject(project);
  }
}

async function everyTest(): Promise<number> {
  const exclude = ['**/node_modules/**', ...WHOLE_SYSTEM, ...IN_CONTAINERS];
  const files = fs.globSync('{services,infra,loadtest}/**/*.test.ts', { cwd: ROOT, exclude });
  const wholeSystem = () => nodeTest(300, ['--test-concurrency=1', ...WHOLE_SYSTEM]);
  for (const group of [() => onTestServers(files), wholeSystem, inContainers]) {
    const code = await group();
    if (code !== 0 || end.aborted) return code;
  }
  return 0;
}

const args = process.argv.slice(2);
const code = await (args.length > 0 ? onTestServers(args) : everyTest()).catch((error) => {
  if (!end.aborted) console.error(error instanceof Error ? error.message : error);
  return 1;
});
process.exit(end.aborted ? INTERRUPTED : code);
