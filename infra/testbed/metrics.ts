// The metrics of a process as a test reads them.

interface Exposing {
  metrics(): Promise<string>;
}

/** The value of a series, like `job_runs_total{job="a",result="done"}`, whatever its other labels; undefined: there is none. */
export async function seriesValue(registry: Exposing, series: string): Promise<number | undefined> {
  const [name, labels = ''] = series.slice(0, -1).split('{');
  const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`));
  const line = lines.find((each) => labels.split(',').every((label) => each.includes(label)));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
}
