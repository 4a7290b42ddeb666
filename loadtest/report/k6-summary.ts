// What k6 says of a run in its own summary.
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

const Summary = z.object({
  metrics: z.object({ dropped_iterations: z.object({ count: z.number() }).optional() }),
});

/** The clicks that k6 was too late to make: it had no user left for them. A k6 that was killed writes no summary. */
export const droppedIterations = (file: string): number =>
  existsSync(file) ? (Summary.parse(JSON.parse(readFileSync(file, 'utf8'))).metrics.dropped_iterations?.count ?? 0) : 0;
