// The gate's scripts, by the names of their files; each names its keys itself.
import { readFileSync } from 'node:fs';
import { keysIn } from '@flashsale/contracts/keys';

const read = (name: string) => readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8');
const COMMON = read('common');

function script(name: string) {
  const text = read(name);
  const keys = keysIn(text);
  // Redis reads the flags of a script from its first line only.
  const [flags = ''] = /^#!.*\n/.exec(text) ?? [];
  return { keys, numberOfKeys: keys.length, lua: flags + COMMON + text.slice(flags.length) };
}

export const GATE_SCRIPTS = {
  admit: script('admit'),
  recall: script('recall'),
  absent: script('absent'),
  'mark-sent': script('mark-sent'),
  refuse: script('refuse'),
  claim: script('claim'),
  'set-aside': script('set-aside'),
  'apply-confirmed': script('apply-confirmed'),
  'apply-ended': script('apply-ended'),
  'join-waiting': script('join-waiting'),
  read: script('read'),
  change: script('change'),
  shut: script('shut'),
  expire: script('expire'),
  lease: script('lease'),
  renew: script('renew'),
  'make-room': script('make-room'),
  stage: script('stage'),
  'stage-chunk': script('stage-chunk'),
  replace: script('replace'),
};
export type GateScript = keyof typeof GATE_SCRIPTS;
