// Checks one after the other, until one fails; what became of each, and how long it took, is told at the end.
import { spawn } from 'node:child_process';
import { ROOT } from './leftovers.ts';

/** An exit code, or why nothing was tried: that is said, and is neither passed nor failed. */
export type Outcome = number | { skipped: string };
export type Stage = { name: string; run(): Promise<Outcome> };
/** What all of them together are called when every one is well. */
export type Verdict = 'passed' | 'verified';

const INTERRUPTED = 130;

export async function runStages(stages: Stage[], verdict: Verdict, end: AbortSignal): Promise<number> {
  const times: string[] = [];
  for (const { name, run } of stages) {
    if (stages.length > 1) console.log(`\n── ${name}`);
    const from = Date.now();
    const outcome = end.aborted ? INTERRUPTED : await run();
    const seconds = ((Date.now() - from) / 1000).toFixed(1);
    const code = typeof outcome === 'number' ? outcome : 0;
    const said = typeof outcome === 'number' ? (code === 0 ? 'ok' : 'FAILED') : `skipped: ${outcome.skipped}`;
    if (typeof outcome !== 'number') console.log(said);
    times.push(`${name} ${said} ${seconds} s`);
    if (code !== 0) return summary(times, verdict, end.aborted ? INTERRUPTED : code);
  }
  return summary(times, verdict, 0);
}

function summary(times: string[], verdict: Verdict, code: number): number {
  console.log(`\n${code === 0 ? verdict : `not ${verdict}`}: ${times.join(' · ')}`);
  return code;
}

export type Run = (command: string, args: string[], env?: Record<string, string>) => Promise<number>;

/** Runs a command in the repository's folder, where everybody can see what it says; ends it when the end is requested. */
export function createRun(end: AbortSignal): Run {
  return (command, args, env = {}) =>
    new Promise((resolve) => {
      const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: 'inherit' });
      const stop = () => child.kill('SIGTERM');
      end.addEventListener('abort', stop);
      child.once('error', (error) => {
        console.error(`${command}: ${error.message}`);
        resolve(127);
      });
      child.once('exit', (code) => {
        end.removeEventListener('abort', stop);
        resolve(code ?? 1);
      });
    });
}
