// Requests per CPU second of the process under test: what its neighbours on the machine take does not count.
import { cpuSeconds, cpuUsed } from '../figures/cpu.ts';
import { assertAnswered, runWrk, type WrkRun } from './wrk.ts';

export interface Cost {
  perCpuSecond: number;
  requests: number;
  cpuSeconds: number;
  seconds: number;
}

export interface Tested {
  who: string;
  pid: number;
  /** Every answer must have it. */
  status: number;
}

export async function measureCost({ who, pid, status }: Tested, run: WrkRun): Promise<Cost> {
  const read = () => cpuSeconds({ tested: pid });
  const before = read();
  let reached: ReturnType<typeof read> | undefined;
  const onReached = () => {
    reached = read();
  };
  const result = await runWrk({ ...run, onReached });
  const used = cpuUsed(before, reached ?? read()).tested;
  assertAnswered(result, status, who);
  if (!used) throw new Error(`${who}: no CPU time was read of process ${pid}`);
  const { requests, seconds } = result;
  return { perCpuSecond: requests / used, requests, cpuSeconds: used, seconds };
}
