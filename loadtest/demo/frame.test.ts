// The live screen without a terminal: frames as text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actsOf } from './demo.ts';
import { frame } from './frame.ts';
import { cellMsOf, chartWidth } from './panel.ts';

import type { Sample } from './sample.ts';
import { type ActScene, afterEvent, type Scene, type ServiceScene } from './scene.ts';
import { settings } from './settings.ts';

const CHART = chartWidth(80);

const plainly = (_style: string, text: string) => text;
const draw = (scene: Scene, size = { columns: 80, rows: 24 }) => frame(scene, size, plainly);

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

const actScenes = (states: ActScene['state'][], factor = 1): ActScene[] =>
  actsOf(settings).map((act, i) => {
    const state = states[i] ?? 'to come';
    const { units, buyers } = act;
    const taken = state === 'to come' ? [] : samples(factor);
    return { ...act, units: units * factor, buyers: buyers * factor, state, samples: taken, marks: [], beganAt: 0 };
  });

const services = (more: Partial<ServiceScene> = {}) => {
  const up: ServiceScene = { state: 'up', kills: 0, crashes: 0, starts: 1 };
  const all: [string, ServiceScene][] = ['bank', 'inventory', 'payment', 'gateway'].map((name) => [name, up]);
  return new Map([...all, ['orders', { ...up, ...more }]]);
};

const sceneOf = (acts: ActScene[], more: Partial<Scene> = {}): Scene => ({
  title: 'FLASH SALE  3,000 buyers',
  stage: 'queued',
  elapsedMs: 12_345,
  acts,
  services: services(),
  journal: Array.from({ length: 30 }, (_, i) => `said ${i}`),
  ...more,
});

const accident = (factor: number) => {
  const acts = actScenes(['done', 'done', 'running'], factor);
  acts[2]?.marks.push({ atMs: 500, text: 'orders killed' }, { atMs: 9_999_999, text: 'orders back' });
  return sceneOf(acts, { services: services({ kills: 1, crashes: 12, starts: 14, state: 'dead' }) });
};

test('no frame is wider or higher than the terminal, whatever the numbers are', () => {
  for (const factor of [1, 1_000, 1_000_000]) {
    const states: ActScene['state'][][] = [[], ['running'], ['done', 'running'], ['done', 'done']];
    const scenes = [...states.map((each) => sceneOf(actScenes(each, factor))), accident(factor)];
    for (const scene of scenes) {
      for (const size of [
        { columns: 80, rows: 24 },
        { columns: 200, rows: 60 },
        { columns: 37, rows: 9 },
        { columns: 1, rows: 1 },
      ]) {
        const lines = draw({ ...scene, stage: 'x'.repeat(300), journal: ['y'.repeat(300)] }, size);
        assert.ok(lines.length <= size.rows);
        for (const line of lines) assert.ok([...line].length <= Math.min(80, size.columns), line);
      }
    }
  }
});

test('at 60 columns no number is cut: the charts are narrower', () => {
  const lines = draw(sceneOf(actScenes(['done', 'running']), { title: 'x'.repeat(66) }), { columns: 60, rows: 24 });
  for (const told of ['3,000 clicks', '1,000 yes', '975 of 1,000', '92 calls', '975 paid', '12.3 s'])
    assert.ok(
      lines.some((line) => line.endsWith(told)),
      told,
    );
});

test('what does not fit is marked as cut', () => {
  const lines = draw(sceneOf(actScenes([]), { journal: ['sold 1,000'] }), { columns: 9, rows: 24 });
  assert.ok(lines.includes('sold 1,0…'));
  assert.ok(
    draw(sceneOf(actScenes([]), { journal: ['sold 1,000'] }), { columns: 10, rows: 24 }).includes('sold 1,000'),
  );
});

test('at 80 columns nothing of a panel is cut off', () => {
  const lines = draw(sceneOf(actScenes(['done', 'running'])));
  for (const told of ['3,000 clicks', '1,000 yes', '975 of 1,000', '92 calls', '975 paid', '[crowd gone]', '12.3 s'])
    assert.ok(
      lines.some((line) => line.includes(told)),
      told,
    );
});

test('both roads stand one above the other, in the same scale, and the latest that was said below', () => {
  const lines = draw(sceneOf(actScenes(['done', 'running'])));
  assert.equal(lines.length, 24);
  const arrivals = lines.filter((line) => line.startsWith('  arrivals'));
  assert.equal(arrivals.length, 2);
  assert.equal(arrivals[0]?.slice(13, 13 + CHART), arrivals[1]?.slice(13, 13 + CHART));
  assert.equal(lines.at(-1), 'said 29');
  assert.ok(lines.some((line) => line.startsWith('▶ queued')));
});

test('before a crowd comes, its panel says what there will be to see', () => {
  const lines = draw(sceneOf(actScenes(['done'])));
  assert.ok(lines.includes('  waiting    clicked, not answered yet'));
  assert.ok(lines.includes('  bank busy  of its time; it takes 100 a second'));
});

test('the accident gets the room: the roads become a line each, and the kill stands under its time', () => {
  const lines = draw(accident(1));
  assert.equal(lines.filter((line) => line.startsWith('  arrivals')).length, 1);
  assert.ok(lines.some((line) => /^QUEUED +1,000 yes/.test(line)));
  assert.ok(lines.some((line) => /^DIRECT +1,000 yes/.test(line)));
  assert.ok(lines.some((line) => /^ +↑ orders killed$/.test(line)));
  assert.ok(lines.some((line) => line.includes('✗ orders killed 1, crashed 12, restarted 13')));
});

test('whoever needs more time than expected gets a coarser chart, not a longer one', () => {
  const [act] = actScenes(['running']);
  assert.ok(act);
  const last = act.samples.at(-1) as Sample;
  for (const atMs of [1_000, 13_000, 119_000]) {
    const cellMs = cellMsOf({ ...act, samples: [...act.samples, { ...last, atMs }] }, CHART);
    assert.ok(cellMs * CHART >= atMs);
  }
});

test('a service is seen starting, up, killed and started again', () => {
  const event = (name: 'started' | 'ready' | 'exited' | 'restarting', signal: NodeJS.Signals | null = null) => ({
    service: 'orders',
    event: name,
    signal,
  });
  const up = afterEvent(afterEvent(undefined, event('started')), event('ready'));
  assert.deepEqual(up, { state: 'up', kills: 0, crashes: 0, starts: 1 });
  const dead = afterEvent(afterEvent(up, event('exited', 'SIGKILL')), event('restarting'));
  assert.deepEqual(dead, { state: 'dead', kills: 1, crashes: 0, starts: 1 });
  const again = afterEvent(afterEvent(dead, event('started')), event('ready'));
  assert.deepEqual(again, { state: 'up', kills: 1, crashes: 0, starts: 2 });
});
