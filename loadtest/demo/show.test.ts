// Where a run is shown, and that a terminal is given back.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { WriteStream } from 'node:tty';
import { actsOf } from './demo.ts';
import { liveShow } from './live.ts';
import type { Sample } from './sample.ts';
import { settings } from './settings.ts';
import { createShow, isScreen } from './show.ts';

function fakeTerminal(more: { isTTY?: boolean; columns?: number } = {}) {
  let written = '';
  const write = (text: string) => {
    written += text;
    return true;
  };
  const out = Object.assign(new EventEmitter(), { isTTY: true, columns: 80, rows: 24, ...more, write });
  return { out: out as unknown as WriteStream, written: () => written };
}

const acts = actsOf(settings);
const bank = { charges: 0, busyMs: 0, waiting: 0, inProgress: 0 };
const sample: Sample = { atMs: 250, sent: 9, yes: 4, refused: 3, other: 2, confirmed: 1, decided: 1, bank };

test('only a terminal that can be drawn on, with somebody in front of it, gets the live screen', () => {
  assert.ok(isScreen({ isTTY: true }, { TERM: 'xterm' }));
  assert.ok(!isScreen({ isTTY: false }, { TERM: 'xterm' }));
  assert.ok(!isScreen({ isTTY: true }, { TERM: 'dumb' }));
  assert.ok(!isScreen({ isTTY: true }, { TERM: 'xterm', CI: 'true' }));
});

test('plain: a line for whatever happens, about one a second for a crowd, and no escape sequence', () => {
  const { out, written } = fakeTerminal();
  const show = createShow({ title: 'a demo', acts, out }, true);
  show.stage('queued    a crowd');
  const onSample = show.begin('queued');
  for (const atMs of [250, 500, 1_000, 1_250, 1_500]) onSample({ ...sample, atMs }, false);
  onSample({ ...sample, atMs: 1_600 }, true);
  show.service({ service: 'orders', event: 'exited', signal: 'SIGKILL', code: null });
  show.service({ service: 'orders', event: 'started' });
  show.end();
  const lines = written().trimEnd().split('\n');
  assert.equal(lines.length, 4);
  assert.match(lines[1] ?? '', /^ +0\.\d s {2}queued {8}9 clicks {6}4 yes {6}3 no {6}2 other {6}3 in line {6}1 sold$/);
  assert.match(lines[3] ?? '', /orders ended by SIGKILL$/);
  assert.ok(!written().includes('\x1b'));
});

test('plain: after a stall one line, not one for each second that was missed', () => {
  const { out, written } = fakeTerminal();
  const onSample = createShow({ title: 'a demo', acts, out }, true).begin('queued');
  for (const atMs of [1_010, 5_100, 5_350, 5_600, 6_050]) onSample({ ...sample, atMs }, false);
  assert.equal(written().trimEnd().split('\n').length, 3);
});

test('live: the terminal is taken, drawn on, given back once, and what was said stays on it', () => {
  const { out, written } = fakeTerminal();
  const before = process.listenerCount('exit');
  const show = liveShow({ title: 'a demo', acts, out });
  show.say('something happened');
  show.stage('the accident');
  show.begin('accident')(sample, false);
  show.mark('orders killed');
  out.emit('resize');
  show.end();
  show.end();
  show.say('and later');
  const text = written();
  assert.ok(text.startsWith('\x1b[?1049h\x1b[?25l'), 'another screen, no cursor');
  assert.match(text, /↑ orders killed/);
  assert.equal(text.split('\x1b[?25h').length, 2, 'the cursor comes back once');
  const after = text.slice(text.indexOf('\x1b[?1049l'));
  assert.match(after, /something happened\n.*the accident\n.*and later\n$/s);
  assert.equal(process.listenerCount('exit'), before);
  assert.equal(out.listenerCount('resize'), 0);
});
