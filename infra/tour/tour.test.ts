// One queued order stays small enough to be read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeTour, sourcesOf } from './describe.ts';
import { tour } from './tour.ts';

/** Only to be lowered. */
const MOST_FILES = 40;

test(`one queued order executes code of at most ${MOST_FILES} source files`, async () => {
  const toured = await tour();
  const sources = sourcesOf(toured);
  const steps = ['gateway/src/outbound/gate.ts', 'orders/src/outbound/ledger.ts', 'payment/src/outbound/bank.ts'];
  for (const step of steps) assert.ok(sources.includes(step), `${step} is on its way`);
  assert.ok(sources.length <= MOST_FILES, describeTour(toured).join('\n'));
});
