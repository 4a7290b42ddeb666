// Progress as it is shown, the samples that it is made from, and the kill.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { WriteStream } from 'node:tty';
import { createKill } from './demo.ts';
import { createProgress, isScreen } from './progress.ts';
import { bankSince, type Sample, START, waitingOrders } from './run.ts';

function fakeTerminal() {
  let written = '';
  const write = (text: string) => {
    written += text;
    return true;
  };
  const out = Object.assign(new EventEmitter(), { isTTY: true, columns: 80, rows: 24, write });
  return { out: out as unknown as WriteStream, written: () => written };
}

const sample: Sample = { ...START, atMs: 250, sent: 9, yes: 4, refused: 3, other: 2, confirmed: 1, decided: 1 };

test('only a terminal that can be drawn on, with a reader in front of it, gets the live screen', () => {
  assert.ok(isScreen({ isTTY: true }, { TERM: 'xterm' }));
  assert.ok(!isScreen({ isTTY: false }, { TERM: 'xterm' }));
  assert.ok(!isScreen({ isTTY: true }, { TERM: 'dumb' }));
  assert.ok(!isScreen({ isTTY: true }, { TERM: 'xterm', CI: 'true' }));
});

test('plain: a line for each event, about one a second during a burst, and no escape sequence', () => {
  const { out, written } = fakeTerminal();
  const progress = createProgress(out, false);
  progress.phase('queued    a burst');
  const onSample = progress.begin('queued');
  for (const atMs of [250, 500, 1_000, 1_250, 1_500]) onSample({ ...sample, atMs }, false);
  onSample({ ...sample, atMs: 1_600 }, true);
  progress.service({ service: 'orders', event: 'exited', signal: 'SIGKILL', code: null });
  progress.service({ service: 'orders', event: 'started' });
  progress.end();
  const lines = written().trimEnd().split('\n');
  assert.equal(lines.length, 4);
  assert.match(lines[1] ?? '', /^ +0\.\d s {2}queued {8}9 clicks {6}4 yes {6}3 no {6}2 other {6}3 waiting {6}1 sold$/);
  assert.match(lines[3] ?? '', /orders ended by SIGKILL$/);
  assert.ok(!written().includes('\x1b'));
});

test('plain: after a stall one line, not one for each second that was missed', () => {
  const { out, written } = fakeTerminal();
  const onSample = createProgress(out, false).begin('queued');
  for (const atMs of [1_010, 5_100, 5_350, 5_600, 6_050]) onSample({ ...sample, atMs }, false);
  assert.equal(written().trimEnd().split('\n').length, 3);
});

test('live: the terminal is taken, drawn on, given back once, and the log stays on it', () => {
  const { out, written } = fakeTerminal();
  const before = process.listenerCount('exit');
  const progress = createProgress(out, true);
  progress.log('something happened');
  progress.phase('the accident');
  progress.begin('accident')(sample, false);
  progress.mark('orders killed');
  out.emit('resize');
  progress.end();
  progress.end();
  progress.log('and later');
  const text = written();
  assert.ok(text.startsWith('\x1b[?1049h\x1b[?25l'), 'another screen, no cursor');
  assert.match(text, /↑ orders killed/);
  assert.equal(text.split('\x1b[?25h').length, 2, 'the cursor comes back once');
  const after = text.slice(text.indexOf('\x1b[?1049l'));
  assert.match(after, /something happened\n.*the accident\n.*and later\n$/s);
  assert.equal(process.listenerCount('exit'), before);
  assert.equal(out.listenerCount('resize'), 0);
});

test('waiting is accepted and not decided yet; on the direct path it has no response yet', () => {
  const now = { ...START, sent: 100, yes: 30, refused: 50, other: 1, decided: 10 };
  assert.equal(waitingOrders('queued', now), 20);
  assert.equal(waitingOrders('direct', now), 19);
  assert.equal(waitingOrders('queued', { ...now, decided: 31 }), 0, 'a tally is older than the database');
});

test('each of the bank’s charges is counted once, and only those of this run', async () => {
  const charge = (key: string, startedAtMs: number) => ({
    key,
    status: 'captured' as const,
    amountMinor: 1,
    currency: 'EUR',
    startedAtMs,
    finishedAtMs: startedAtMs + 10,
  });
  const began = Date.now();
  const charges = [charge('before', began - 1), charge('a', began), charge('b', began + 10)];
  const requested: number[] = [];
  const statement = async (sinceMs = 0) => {
    requested.push(sinceMs);
    return { charges, queue: { waiting: 3, inProgress: 1 } };
  };
  assert.deepEqual(await bankSince({ statement }, began), { charges: 2, busyMs: 20, waiting: 3, inProgress: 1 });
  charges.push(charge('c', began + 20));
  assert.deepEqual(await bankSince({ statement }, began), { charges: 3, busyMs: 30, waiting: 3, inProgress: 1 });
  assert.deepEqual(requested, [began, began]);
});

function killWith(killOrders: () => Promise<void>, withinMs = 60_000) {
  const marks: string[] = [];
  const logged: string[] = [];
  const progress = { mark: (text: string) => marks.push(text), log: (line: string) => logged.push(line) };
  return { kill: createKill({ killOrders, progress, victim: 'orders' }, 60, withinMs), marks, logged };
}

test('orders is killed once, when enough orders are accepted, and those accepted meanwhile are counted', async () => {
  const back = Promise.withResolvers<void>();
  let kills = 0;
  const { kill, marks, logged } = killWith(() => {
    kills += 1;
    return back.promise;
  });
  for (const yes of [0, 59]) kill.watch({ yes });
  assert.equal(kills, 0);
  for (const yes of [75, 90, 130]) kill.watch({ yes });
  back.resolve();
  assert.notEqual(await kill.awayMs(), null);
  assert.equal(kills, 1);
  assert.match(logged.join(), /^orders is back after 0\.\d s; meanwhile 55 more got a yes$/);
  assert.deepEqual(marks, ['orders killed', 'orders back']);
});

test('a service that does not come back is waited for no longer than agreed', async () => {
  const { kill } = killWith(() => new Promise(() => undefined), 20);
  kill.watch({ yes: 60 });
  assert.equal(await kill.awayMs(), null);
});

test('a burst that ends before enough orders are accepted has had no kill', async () => {
  const { kill } = killWith(async () => undefined);
  kill.watch({ yes: 59 });
  assert.equal(await kill.awayMs(), null);
});
