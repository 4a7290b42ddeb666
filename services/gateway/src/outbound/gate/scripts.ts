// The gate's scripts, and which parts of a sale's gate each takes as its KEYS, in its order.
import { readFileSync } from 'node:fs';
import type { Part } from '@flashsale/contracts/ids';

const read = (name: string) => readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8');
const COMMON = read('common');

/** What every function of `common.lua` that changes an order needs. */
const ORDER: Part[] = ['gate', 'buyers', 'orders', 'orders:damaged', 'due:unsent', 'due:sent', 'waiting'];

/** `more`: keys that only the caller can name, after the others. */
function script(name: string, parts: Part[], more = 0) {
  const text = read(name);
  // Redis reads the flags of a script from its first line only.
  const [flags = ''] = /^#!.*\n/.exec(text) ?? [];
  return { parts, numberOfKeys: parts.length + more, lua: flags + COMMON + text.slice(flags.length) };
}

export const GATE_SCRIPTS = {
  admit: script('admit', ['gate', 'buyers', 'orders', 'due:unsent', 'waiting', 'keys']),
  markSent: script('mark-sent', ['orders', 'due:unsent', 'due:sent']),
  refuse: script('refuse', [...ORDER, 'keys']),
  claim: script('claim', ORDER),
  setAside: script('set-aside', ORDER),
  applyConfirmed: script('apply-confirmed', ['gate', 'orders', 'due:unsent', 'due:sent', 'waiting']),
  applyEnded: script('apply-ended', ORDER),
  absent: script('absent', ['gate', 'orders', 'orders:damaged']),
  lookUp: script('look-up', ['gate'], 1),
  joinWaiting: script('join-waiting', ['orders', 'waiting']),
  read: script('read', ['gate', 'due:unsent', 'due:sent', 'waiting']),
  change: script('change', [...ORDER, 'keys']),
  shut: script('shut', ['gate']),
  expire: script('expire', ['gate', 'due:unsent', 'due:sent', 'buyers', 'orders', 'orders:damaged', 'waiting', 'keys']),
  lease: script('lease', ['opening']),
  renew: script('renew', ['opening']),
  makeRoom: script('make-room', ORDER),
  stage: script('stage', [], 4),
  stageChunk: script('stage-chunk', [], 4),
  replace: script('replace', [...ORDER, 'keys', 'opening'], 4),
};
export type GateScript = keyof typeof GATE_SCRIPTS;
