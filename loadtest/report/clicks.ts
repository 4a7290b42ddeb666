// What k6 wrote down: the sale its crowd went to, then a line for each click.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const Line = z.union([
  z.object({ sale: z.object({ mode: z.enum(['queued', 'direct']), saleId: z.string() }) }),
  z.object({
    click: z.object({
      index: z.number(),
      dueAt: z.number(),
      lateMs: z.number(),
      answerMs: z.number(),
      answeredAt: z.number(),
      status: z.number(),
      timedOut: z.boolean(),
      problem: z.string().nullable(),
      reason: z.string().nullable(),
      orderId: z.string().nullable(),
    }),
  }),
]);

/** Times in Unix milliseconds by this machine's clock. */
export type CountedClick = Extract<z.infer<typeof Line>, { click: unknown }>['click'];

export interface CrowdLog {
  saleId: string;
  clicks: CountedClick[];
}

/** Throws where a line is none of these; what a killed k6 left of its last line is no line. */
export function readCrowd(file: string): CrowdLog {
  let saleId: string | undefined;
  const clicks: CountedClick[] = [];
  for (const text of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
    const line = Line.parse(JSON.parse(text));
    if ('sale' in line) saleId = line.sale.saleId;
    else clicks.push(line.click);
  }
  if (!saleId) throw new Error(`k6 names no sale in ${file}`);
  return { saleId, clicks };
}
