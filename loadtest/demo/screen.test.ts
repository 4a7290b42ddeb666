// The live screen without a terminal: frames as text, and the charts in them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { ServiceEvent } from '../../infra/native/supervisor.ts';
import { plans, type RunState, type State } from './progress.ts';
import { type Sample, START, valueAt } from './run.ts';
import { axis, bars, cellMsOf, cells, chartWidth, frame, valueOver } from './screen.ts';

const CHART = chartWidth(80);
const draw = (state: State, size = { columns: 80, rows: 24 }) => frame(state, size).map(stripVTControlCharacters);

const samples = (factor: number): Sample[] =>
  Array.from({ length: 40 }, (_, i) => ({
    atMs: (i + 1) * 250,
    sent: Math.min(3_000, i * 250) * factor,
    yes: Math.min(1_000, i * 100) * factor,
    refused: Math.min(2_000, i * 150) * factor,
    other: factor,
    confirmed: i * 25 * factor,
    decided: i * 25 * factor,
    bank: { charges: i * 25 * factor, busyMs: i * 250, waiting: 88 * factor, inProgress: 4 * factor },
  }));

const runsIn = (statuses: RunState['status'][], factor = 1): RunState[] =>
  plans.map((plan, i) => {
    const status = statuses[i] ?? 'to come';
    const taken = status === 'to come' ? [START] : [START, ...samples(factor)];
    return { ...plan, units: plan.units * factor, buyers: plan.buyers * factor, status, samples: taken, marks: [] };
  });

const event = (service: string, name: ServiceEvent['event'], signal: NodeJS.Signals | null = null) => ({
  service,
  event: name,
  signal,
});
const UP = ['bank', 'inventory', 'payment', 'orders', 'gateway'].flatMap((name) => [
  event(name, 'started'),
  event(name, 'ready'),
]);

const stateOf = (runs: RunState[], more: Partial<State> = {}): State => ({
  title: 'FLASH SALE  3,000 buyers',
  phase: 'queued',
  began: performance.now() - 12_345,
  runs,
  events: UP,
  log: Array.from({ length: 30 }, (_, i) => `line ${i}`),
  ...more,
});

function withKill(factor: number): State {
  const runs = runsIn(['done', 'done', 'running'], factor);
  runs[2]?.marks.push({ atMs: 500, text: 'orders killed' }, { atMs: 9_999_999, text: 'orders back' });
  const restarted = (signal: NodeJS.Signals | null) => [event('orders', 'exited', signal), event('orders', 'started')];
  const crashes = Array.from({ length: 12 }, () => restarted(null)).flat();
  return stateOf(runs, { events: [...UP, ...restarted('SIGKILL'), ...crashes, event('orders', 'exited', 'SIGKILL')] });
}

test('no frame is wider or higher than the terminal, whatever the numbers are', () => {
  const sizes = [[80, 24] as const, [200, 60] as const, [37, 9] as const, [1, 1] as const];
  for (const factor of [1, 1_000, 1_000_000]) {
    const statuses: RunState['status'][][] = [[], ['running'], ['done', 'running'], ['done', 'done']];
    const states = [...statuses.map((each) => stateOf(runsIn(each, factor))), withKill(factor)];
    for (const state of states) {
      for (const [columns, rows] of sizes) {
        const lines = draw({ ...state, phase: 'x'.repeat(300), log: ['y'.repeat(300)] }, { columns, rows });
        assert.ok(lines.length <= rows);
        for (const line of lines) assert.ok([...line].length <= Math.min(80, columns), line);
      }
    }
  }
});

const SHOWN = ['3,000 clicks', '1,000 yes', '975  of 1,000', '975 of 1,000', '92 calls', '975 paid', '12.3 s'];

test('at 60 columns no number is cut: the charts are narrower', () => {
  const lines = draw(stateOf(runsIn(['done', 'running']), { title: 'x'.repeat(66) }), { columns: 60, rows: 24 });
  for (const text of SHOWN)
    assert.ok(
      lines.some((line) => line.endsWith(text)),
      text,
    );
});

test('a line that does not fit is marked as cut', () => {
  const state = stateOf(runsIn([]), { log: ['sold 1,000'] });
  assert.ok(draw(state, { columns: 9, rows: 24 }).includes('sold 1,0…'));
  assert.ok(draw(state, { columns: 10, rows: 24 }).includes('sold 1,000'));
});

test('at 80 columns nothing of a panel is cut off', () => {
  const lines = draw(stateOf(runsIn(['done', 'running'])));
  for (const text of [...SHOWN, '[all clicked]'])
    assert.ok(
      lines.some((line) => line.includes(text)),
      text,
    );
});

test('both paths stand one above the other, in the same scale, and the latest log lines below', () => {
  const lines = draw(stateOf(runsIn(['done', 'running'])));
  assert.equal(lines.length, 24);
  const arrivals = lines.filter((line) => line.startsWith('  arrivals'));
  assert.equal(arrivals.length, 2);
  assert.equal(arrivals[0]?.slice(13, 13 + CHART), arrivals[1]?.slice(13, 13 + CHART));
  assert.equal(lines.at(-1), 'line 29');
  assert.ok(lines.some((line) => line.startsWith('▶ queued')));
});

test('before a run begins, its panel explains what there will be to see', () => {
  const lines = draw(stateOf(runsIn(['done'])));
  assert.ok(lines.includes('  waiting    clicked, no response yet'));
  assert.ok(lines.includes('  bank busy  of its time; it takes 100 a second'));
});

test('the run with the kill gets the room: the others become a line each, and the kill stands under its time', () => {
  const lines = draw(withKill(1));
  assert.equal(lines.filter((line) => line.startsWith('  arrivals')).length, 1);
  assert.ok(lines.some((line) => /^QUEUED +1,000 yes/.test(line)));
  assert.ok(lines.some((line) => /^DIRECT +1,000 yes/.test(line)));
  assert.ok(lines.some((line) => /^ +↑ orders killed$/.test(line)));
  assert.ok(lines.some((line) => line.includes('✗ orders killed 2, crashed 12, restarted 13')));
});

test('a run that needs more time than expected gets a coarser chart, not a longer one', () => {
  const [run] = runsIn(['running']);
  assert.ok(run);
  for (const atMs of [1_000, 13_000, 119_000])
    assert.ok(cellMsOf({ ...run, samples: [{ ...START, atMs }] }, CHART) * CHART >= atMs);
});

test('each of several processes of a service is seen, on a second line where one has no room', () => {
  const names = ['bank', 'inventory', 'payment', 'orders', 'orders-2', 'orders-3', 'gateway', 'gateway-2', 'gateway-3'];
  const events = names.flatMap((name) => [event(name, 'started'), event(name, 'ready')]);
  const shown = draw(stateOf(runsIn(['running']), { events })).join('\n');
  for (const name of names) assert.ok(shown.includes(`● ${name}`), name);
});

test('a service is seen starting, up, killed and restarted', () => {
  const shown = (...events: ServiceEvent[]) => draw(stateOf(runsIn([]), { events })).at(-5);
  const up = [event('orders', 'started'), event('orders', 'ready')];
  const killed = [...up, event('orders', 'exited', 'SIGKILL'), event('orders', 'restarting')];
  assert.equal(shown(event('orders', 'started')), '○ orders');
  assert.equal(shown(...up), '● orders');
  assert.equal(shown(...killed), '✗ orders killed 1');
  assert.equal(shown(...killed, ...up), '● orders killed 1, restarted 1');
});

const at = (atMs: number, sent: number): Sample => ({ ...START, atMs, sent });
const sent = (sample: Sample) => sample.sent;

test('a bar is as high as its share, is seen when there is anything at all, and never leaves its cell', () => {
  assert.equal(bars([0, 0.001, 50, 100, 1_000], 100), ' ▁▄██');
});

test('between two samples a value lies on the line between them; after the last it stays', () => {
  const values = [50, 100, 200, 300, 400].map((atMs) => valueAt([START, at(100, 10), at(300, 50)], sent, atMs));
  assert.deepEqual(values, [5, 10, 30, 50, 50]);
  assert.equal(valueAt([START], sent, 100), 0);
});

test('samples that come late change nothing about the rates', () => {
  const inTime = [START, at(250, 250), at(500, 500), at(750, 750), at(1_000, 1_000)];
  const late = [START, at(250, 250), at(1_000, 1_000)];
  assert.deepEqual(cells(inTime, sent, 500, 'rate'), [1_000, 1_000]);
  assert.deepEqual(cells(late, sent, 500, 'rate'), [1_000, 1_000]);
  assert.deepEqual(cells(late, sent, 500, 'level'), [500, 1_000]);
  assert.deepEqual(cells([START], sent, 500, 'rate'), []);
});

test('the rate now is that of the last second', () => {
  assert.equal(valueOver([START], sent, 'rate', 0, 0), 0);
  assert.equal(valueOver([START, at(500, 100)], sent, 'rate', 0, 500), 200);
  assert.equal(valueOver([START, at(1_000, 100), at(2_000, 100)], sent, 'rate', 1_000, 2_000), 0);
});

test('the axis has its ticks under their times, and none beyond the chart', () => {
  assert.equal(axis(250, 40), '0 s       2.5 s     5 s       7.5 s');
  assert.equal(axis(50, 20), '0 s       0.5 s');
  for (const cellMs of [1, 50, 279, 5_000, 400_000])
    for (const width of [8, 20, 43]) assert.ok(axis(cellMs, width).length <= width);
});
