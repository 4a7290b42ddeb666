// The gate's scripts, and which parts of a sale's gate each takes as its KEYS, in its order.
import { readFileSync } from 'node:fs';
import type { Part } from '@flashsale/contracts/ids';

/** `more`: parts that only the caller can name, after the others. */
const script = (name: string, parts: Part[], more = 0) => ({
  parts,
  numberOfKeys: parts.length + more,
  lua: readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8'),
});

export const GATE_SCRIPTS = {
  admit: script('admit', ['gate', 'buyers', 'orders', 'due', 'line', 'keys']),
  markSent: script('mark-sent', ['orders', 'due']),
  refuse: script('refuse', ['gate', 'buyers', 'orders', 'due', 'line', 'keys']),
  lookUp: script('look-up', ['gate'], 1),
  claim: script('claim', ['gate', 'orders', 'due']),
  settleConfirmed: script('settle-confirmed', ['gate', 'orders', 'due', 'line']),
  settleEnded: script('settle-ended', ['gate', 'buyers', 'orders', 'due', 'line']),
  change: script('change', ['gate']),
  flip: script('flip', ['gate', 'buyers', 'orders', 'due', 'line'], 3),
};
export type GateScript = keyof typeof GATE_SCRIPTS;
