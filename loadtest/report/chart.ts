// One case as an SVG that needs no page around it: arrivals, yes, confirmed and the line of both roads, on one time axis.
import { count } from '../figures/format.ts';
import type { Timeline } from './timeline.ts';

export interface Panel {
  title: string;
  /** Every run, to be seen faintly; the first is drawn in full. */
  runs: Timeline[];
}

const [WIDTH, HEIGHT] = [860, 230];
const AREA = { left: 64, right: 16, top: 30, bottom: 34 };
const CURVES = [
  { key: 'arrivals', label: 'clicked', colour: '#8a8f98', dash: '5 4' },
  { key: 'yes', label: 'told yes', colour: '#1f8f4e', dash: '' },
  { key: 'confirmed', label: 'confirmed', colour: '#1d5fbf', dash: '' },
  { key: 'line', label: 'in line', colour: '#d9822b', dash: '' },
] as const;

const STYLE = `
  svg { font: 12px system-ui, sans-serif; fill: #4a525c; background: #fff }
  .title { font-weight: 600; font-size: 14px; fill: #1c2128 }
  .grid { stroke: #dfe3e8; stroke-width: 1 }
`;

/** The panels have the same scales, so that what is higher or later on the page was more or later. */
export function chart(panels: Panel[]): string {
  const runs = panels.flatMap((panel) => panel.runs);
  const lastMs = Math.max(...runs.map(({ stepMs, yes }) => stepMs * (yes.length - 1)));
  const most = Math.max(...runs.flatMap((run) => run.arrivals));
  const scale = { x: niceTicks(lastMs / 1_000), y: niceTicks(most) };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT * panels.length}" role="img" aria-label="${panels.map(({ title }) => title).join('; ')}">`,
    `<style>${STYLE}</style>`,
    ...panels.map((panel, i) => `<g transform="translate(0 ${i * HEIGHT})">\n${draw(panel, scale)}\n</g>`),
    '</svg>',
  ].join('\n');
}

interface Scale {
  x: number[];
  y: number[];
}

function draw({ title, runs }: Panel, scale: Scale): string {
  const [bold, ...faint] = runs;
  const x = (ms: number) => AREA.left + (ms / 1_000 / last(scale.x)) * (WIDTH - AREA.left - AREA.right);
  const y = (value: number) => HEIGHT - AREA.bottom - (value / last(scale.y)) * (HEIGHT - AREA.top - AREA.bottom);
  const points = ({ stepMs, ...run }: Timeline, key: (typeof CURVES)[number]['key']) =>
    corners(run[key]).map(([step, value]) => `${x(step * stepMs).toFixed(1)},${y(value).toFixed(1)}`);
  const curves = [...faint, ...(bold ? [bold] : [])].flatMap((run) =>
    CURVES.map(({ key, colour, dash }) => {
      const weight = run === bold ? 'stroke-width="2"' : 'stroke-width="1" opacity="0.25"';
      return `<polyline points="${points(run, key).join(' ')}" fill="none" stroke="${colour}" stroke-dasharray="${dash}" ${weight}/>`;
    }),
  );
  return [
    `<text x="${AREA.left}" y="18" class="title">${title}</text>`,
    ...grid(scale, x, y),
    ...curves,
    ...legend(),
  ].join('\n');
}

/** Step and value, without those in the middle of a level stretch: they would be drawn over the same line. */
const corners = (values: number[]): [step: number, value: number][] =>
  values.flatMap((value, step) =>
    value === values[step - 1] && value === values[step + 1] ? [] : [[step, value] as [number, number]],
  );

function grid({ x: seconds, y: counts }: Scale, x: (ms: number) => number, y: (value: number) => number): string[] {
  const right = WIDTH - AREA.right;
  const bottom = HEIGHT - AREA.bottom;
  return [
    ...counts.map(
      (value) =>
        `<line x1="${AREA.left}" x2="${right}" y1="${y(value)}" y2="${y(value)}" class="grid"/><text x="${AREA.left - 8}" y="${y(value) + 4}" text-anchor="end">${count(value)}</text>`,
    ),
    ...seconds.map(
      (value) =>
        `<line x1="${x(value * 1_000)}" x2="${x(value * 1_000)}" y1="${bottom}" y2="${bottom + 4}" class="grid"/><text x="${x(value * 1_000)}" y="${bottom + 17}" text-anchor="middle">${value} s</text>`,
    ),
  ];
}

function legend(): string[] {
  return CURVES.map(({ label, colour, dash }, i) => {
    const left = WIDTH - AREA.right - (CURVES.length - i) * 100;
    return `<line x1="${left}" x2="${left + 22}" y1="14" y2="14" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/><text x="${left + 28}" y="18">${label}</text>`;
  });
}

const last = (ticks: number[]) => ticks.at(-1) as number;

/** From 0 to the first tick that is not below `most`: 4 to 8 steps of 1, 2 or 5 times a power of ten. */
export function niceTicks(most: number): number[] {
  const rough = Math.max(most, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) as number) * power;
  const steps = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, i) => Math.round(i * step * 1e6) / 1e6);
}
