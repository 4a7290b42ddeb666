// npm run up: the whole system in the foreground, until Ctrl-C or npm run down. npm run down (`up.ts down`): ends what
// npm run up started, also when that was killed.
import { describeAddresses, UP } from '../address-book/address-book.ts';
import { until } from '../until.ts';
import { forEachService } from './addresses.ts';
import { isAlive, ownerOf, readPids, stopLeftovers } from './leftovers.ts';
import { replicasFrom } from './replicas.ts';
import { endRequested, requested } from './signals.ts';
import { startStack } from './stack.ts';
import { describeEvent, type ServiceEvent } from './supervisor.ts';

const STOPPED_WITHIN_MS = 60_000;

function log(line: string | undefined): void {
  if (line) console.log(line);
}

async function up(): Promise<void> {
  const replicas = replicasFrom();
  const owner = ownerOf(UP);
  if (owner) throw new Error(`it is up already (process ${owner}): npm run down stops it`);
  const end = endRequested();
  const onLost = (server: string) =>
    log(`${server} has ended and is not started again; its log is in ${UP}: Ctrl-C, then npm run up`);
  try {
    const onEvent = (event: ServiceEvent) => log(describeEvent(event));
    const settings = forEachService(() => tracing());
    const stack = await startStack({ dir: UP, settings, replicas, keep: true, log, onEvent, onLost, signal: end });
    log(['', ...describeAddresses(stack), '', 'Ctrl-C or npm run down stops it'].join('\n'));
    await requested(end);
    log('stopping …');
    await stack.stop();
    log('stopped, nothing is left running');
  } catch (error) {
    if (!end.aborted) throw error;
    log('stopped before it was up');
  }
}

/** One order in ten where the environment says where traces go: as in containers. */
function tracing(): Record<string, string> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER_ARG = '0.1' } = process.env;
  return OTEL_EXPORTER_OTLP_ENDPOINT ? { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER_ARG } : {};
}

async function down(): Promise<void> {
  const pids = readPids(UP);
  if (!pids) return log('nothing is up');
  const owner = ownerOf(UP);
  if (owner) {
    log(`process ${owner} is stopping what it started …`);
    process.kill(owner, 'SIGTERM');
    const areGone = () => ![pids.owner, ...pids.processes].some(isAlive);
    const stopped = await until('everything has ended', areGone, STOPPED_WITHIN_MS).catch(() => false);
    if (stopped) return log('stopped, nothing is left running');
    process.kill(owner, 'SIGKILL');
  }
  const ended = await stopLeftovers(UP);
  log(ended.length > 0 ? `ended what was still running: ${ended.join(', ')}` : 'nothing was left running');
}

// Between two ticks of the starting nothing else may be open.
setInterval(() => undefined, 60_000);
try {
  await (process.argv[2] === 'down' ? down() : up());
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
