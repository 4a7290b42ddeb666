// One frame of the live screen, from the scene alone: at most 80 cells wide, and no higher than the terminal.

import { WIDTH } from '../figures/format.ts';
import { axis } from './chart.ts';
import { cellMsOf, chartWidth, describeAct, LABEL, panel, type Scale } from './panel.ts';
import type { ActScene, Scene, ServiceScene } from './scene.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export interface Piece {
  text: string;
  style?: Style;
}
export type Line = Piece[];
export type Paint = (style: Style, text: string) => string;

/** Of the journal, at least. */
const FEWEST_LINES = 3;

export function frame(scene: Scene, size: { columns: number; rows: number }, paint: Paint): string[] {
  const width = Math.min(size.columns, WIDTH);
  const above = [...heading(scene, width), ...stage(scene.acts, chartWidth(width)), [], services(scene.services), []];
  const room = Math.max(FEWEST_LINES, size.rows - above.length);
  const journal = scene.journal.slice(-room).map((text): Line => [{ text, style: 'dim' }]);
  return [...above, ...journal].slice(0, size.rows).map((line) => painted(fit(line, width), paint));
}

function heading({ title, stage, elapsedMs }: Scene, width: number): Line[] {
  const time = `${(elapsedMs / 1000).toFixed(1)} s`;
  return [
    [...fit([{ text: title.padEnd(width - time.length), style: 'bold' }], width - time.length), { text: time }],
    [{ text: `▶ ${stage}`, style: 'cyan' }],
  ];
}

/** Both roads in full, one above the other in the same scales, until the third act needs the room. */
function stage(acts: ActScene[], width: number): Line[] {
  const last = acts.find(({ name, state }) => name === 'accident' && state !== 'to come');
  const shown = last ? [last] : acts.filter(({ name }) => name !== 'accident');
  const scale = { cellMs: Math.max(...shown.map((act) => cellMsOf(act, width))), width };
  const done = last ? acts.filter((act) => act !== last) : [];
  return [
    ...(last ? [] : [[]]),
    ...done.map(describeAct),
    ...(last ? [[]] : []),
    ...shown.flatMap((act) => panel(act, scale)),
    [{ text: `${' '.repeat(LABEL)}${axis(scale.cellMs, width)}`, style: 'dim' }],
    ...(last?.marks ?? []).map((mark) => marked(mark, scale)),
  ];
}

/** Below the time at which it happened. */
const marked = ({ atMs, text }: ActScene['marks'][number], { cellMs, width }: Scale): Line => [
  { text: `${' '.repeat(LABEL + Math.min(width - 1, Math.floor(atMs / cellMs)))}↑ ${text}`, style: 'yellow' },
];

const SIGNS: Record<ServiceScene['state'], Piece> = {
  up: { text: '● ', style: 'green' },
  starting: { text: '○ ', style: 'yellow' },
  dead: { text: '✗ ', style: 'red' },
};

function services(known: Map<string, ServiceScene>): Line {
  if (known.size === 0) return [];
  return [...known]
    .toReversed()
    .flatMap(([name, service], i) => [
      { text: i ? '  ' : '' },
      SIGNS[service.state],
      { text: name },
      { text: describeEnds(service), style: 'red' as const },
    ]);
}

function describeEnds({ kills, crashes, starts }: ServiceScene): string {
  if (kills + crashes === 0) return '';
  const ends = [...(kills ? [`killed ${kills}`] : []), ...(crashes ? [`crashed ${crashes}`] : [])];
  return ` ${[...ends, `restarted ${starts - 1}`].join(', ')}`;
}

/** Cut, never wrapped; and marked as cut, since what is left of a number looks like one. */
export function fit(line: Line, width: number): Line {
  if (line.reduce((cells, { text }) => cells + [...text].length, 0) <= width) return line;
  let left = Math.max(0, width - 1);
  const cut = line.map(({ text, ...style }) => {
    const kept = [...text].slice(0, left).join('');
    left -= [...kept].length;
    return { text: kept, ...style };
  });
  return [...cut, { text: width > 0 ? '…' : '' }];
}

const painted = (line: Line, paint: Paint) =>
  line.map(({ text, style }) => (style && text ? paint(style, text) : text)).join('');
