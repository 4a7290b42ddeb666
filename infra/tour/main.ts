// npm run tour: the source files that one queued order executes, by service from door to store.
import { endRequested } from '../native/signals.ts';
import { describeTour } from './describe.ts';
import { tour } from './tour.ts';

const end = endRequested();
try {
  console.log(describeTour(await tour(end, console.log)).join('\n'));
  process.exit(0);
} catch (error) {
  if (!end.aborted) console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
