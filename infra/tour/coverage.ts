// The functions that run in a window of time, in processes that keep V8's coverage: each snapshot starts the next window.
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../native/leftovers.ts';
import { until } from '../until.ts';

const ON_SIGNAL = `import { takeCoverage } from 'node:v8'; process.on('SIGUSR2', () => takeCoverage());`;

/** For the environment of a process. */
export const keepsCoverage = (dir: string) => ({
  NODE_V8_COVERAGE: dir,
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(ON_SIGNAL)}`,
});

interface Report {
  result: { url: string; functions: { ranges: { startOffset: number; count: number }[] }[] }[];
}

/** A function is named by its file, from the services' folder on, and the place where it begins there. */
export interface Ran {
  file: string;
  at: number;
}

/** The functions of the services that this process has run since its last snapshot. */
export async function snapshot(dir: string, pid: number): Promise<Ran[]> {
  const reports = () => globSync(join(dir, `coverage-${pid}-*.json`));
  const known = new Set(reports());
  process.kill(pid, 'SIGUSR2');
  // A report that is still being written cannot be parsed yet.
  const { result } = await until(`process ${pid} has written its coverage`, () => {
    const written = reports().find((file) => !known.has(file));
    return written ? (JSON.parse(readFileSync(written, 'utf8')) as Report) : undefined;
  });
  return result.flatMap(({ url, functions }) => {
    const file = url.startsWith('file:') ? relative(join(ROOT, 'services'), fileURLToPath(url)) : '..';
    if (file.startsWith('..') || file.includes('node_modules')) return [];
    const ran = functions.filter(({ ranges }) => ranges.some(({ count }) => count > 0));
    return ran.map(({ ranges }) => ({ file, at: ranges[0]?.startOffset ?? 0 }));
  });
}
