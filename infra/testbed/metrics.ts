// The metrics of a process as a test reads them.

interface Exposing {
  metrics(): Promise<string>;
}

/** The value of a series, like `job_runs_total{job="a",result="done"}`, whatever its other labels; undefined: there is none. */
export const seriesValue = async (registry: Exposing, series: string) => valueOn(await registry.metrics(), series);

/** The value of the series that has these labels, among others. */
export type Sample = (name: string, labels?: Record<string, string>) => number | undefined;

/** One page of an ops port, and the values on it. */
export async function scrape(ops: number): Promise<{ page: string; sample: Sample }> {
  const page = await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();
  return {
    page,
    sample(name, labels = {}) {
      const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      return valueOn(page, `${name}{${pairs}}`);
    },
  };
}

function valueOn(page: string, series: string): number | undefined {
  const [name, labels = ''] = series.slice(0, -1).split('{');
  const lines = page.split('\n').filter((line) => line.startsWith(`${name}{`));
  const line = lines.find((each) => labels.split(',').every((label) => each.includes(label)));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
}
