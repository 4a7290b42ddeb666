// What a script says at its end where the table of k6 does not say it: from its figures, and with every threshold.

interface Metric {
  values: Record<string, number>;
  thresholds?: Record<string, { ok: boolean }>;
}
/** What k6 hands to `handleSummary`. */
export interface Data {
  metrics: Record<string, Metric>;
}

/** Of a metric, or of that part of it which has these tags; a part is known only where it has a threshold. */
export function value({ metrics }: Data, metric: string, of: string, tags: Record<string, string | number> = {}) {
  const list = Object.entries(tags).map(([tag, text]) => `${tag}:${text}`);
  return metrics[list.length > 0 ? `${metric}{${list.join(',')}}` : metric]?.values[of] ?? 0;
}

export function thresholdLines({ metrics }: Data): string[] {
  return Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds)
      .filter(([rule]) => rule !== 'count>=0')
      .map(([rule, { ok }]) => `  ${ok ? '✓' : '✗'} ${name} ${rule}`),
  );
}

/** For `handleSummary`. */
export const say = (data: Data, lines: string[]) => ({
  stdout: ['', ...lines, '', ...thresholdLines(data), '', ''].join('\n'),
});
