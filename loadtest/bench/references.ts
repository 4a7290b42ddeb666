// Starts the references that are processes: as the launcher starts a service, with the same Node.
import { join } from 'node:path';
import { freePort } from '../../infra/native/ports.ts';
import { startProcess, untilReady } from '../../infra/native/processes.ts';

export interface Reference {
  url: string;
  pid: number;
  stop(): Promise<unknown>;
}

export interface StartReference {
  /** Of a run: for its log. */
  dir: string;
  name: 'refusal' | 'accept';
  env?: Record<string, string>;
}

export async function startReference({ dir, name, env = {} }: StartReference): Promise<Reference> {
  const port = await freePort();
  const child = startProcess({
    dir,
    name: `reference-${name}`,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, `references/${name}.ts`)],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', PORT: String(port), ...env },
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(child, () => fetch(url, { method: 'POST' }));
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url, pid: child.pid, stop: child.stop };
}
