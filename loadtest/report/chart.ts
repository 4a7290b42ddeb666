// One case as an SVG: clicked, accepted, confirmed and waiting orders of both paths over time, on the same scales.
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { outcomeOf } from '../../infra/clients/outcome.ts';
import type { Order } from '../../infra/clients/shop.ts';
import { count } from '../figures/format.ts';
import type { Case, Mode } from './plan.ts';
import type { TimedClick } from './run.ts';

const CURVES = ['clicked', 'accepted: a yes', 'confirmed: sold', 'waiting for the result'];
const COLOURS = ['#8b949e', '#2da44e', '#0969da', '#e16f24'];
const TITLES = { queued: 'queued: a message waits', direct: 'direct: services call each other' };
const STEPS = 200;

/** The corners of the curves of one run. */
export type Timeline = { curve: string; seconds: number; orders: number }[];

export function timelineOf(clicks: TimedClick[], orders: Map<string, Order>): Timeline {
  const placed = [...orders.values()];
  const decidedAt = (order: Order) => order.decidedAt ?? Infinity;
  const from = Math.min(...clicks.map(({ dueAt }) => dueAt));
  const ends = [...clicks.map(({ respondedAt }) => respondedAt), ...placed.map(decidedAt)].filter(Number.isFinite);
  const stepMs = Math.max(1, Math.ceil((Math.max(...ends) - from) / STEPS));
  const steps = Array.from({ length: STEPS + 1 }, (_, step) => step * stepMs);
  const reached = (times: number[]) => steps.map((ms) => times.filter((time) => time <= from + ms).length);
  const decided = reached(placed.map(decidedAt));
  const curves = [
    reached(clicks.map(({ dueAt }) => dueAt)),
    reached(clicks.filter((click) => outcomeOf(click) === 'yes').map(({ respondedAt }) => respondedAt)),
    reached(placed.filter(({ status }) => status === 'confirmed').map(decidedAt)),
    reached(placed.map(({ createdAt }) => createdAt)).map((created, step) => created - (decided[step] ?? 0)),
  ];
  return CURVES.flatMap((curve, i) => {
    const points = steps.map((ms, step) => ({ curve, seconds: ms / 1_000, orders: curves[i]?.[step] ?? 0 }));
    return corners(points, clicks.length / 250);
  });
}

/** Without the points that are this close to a straight line between others (Ramer–Douglas–Peucker). */
export function corners(points: Timeline, within: number): Timeline {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || points.length < 3) return points;
  const slope = (last.orders - first.orders) / (last.seconds - first.seconds);
  const off = points.map((point) => Math.abs(point.orders - first.orders - slope * (point.seconds - first.seconds)));
  const farthest = off.indexOf(Math.max(...off));
  if ((off[farthest] ?? 0) <= within) return [first, last];
  return [...corners(points.slice(0, farthest), within), ...corners(points.slice(farthest), within)];
}

/** The first run of each path is drawn in full, the others faintly behind it. */
export async function chart(of: Case, runs: Record<Mode, Timeline[]>): Promise<string> {
  const values = (['queued', 'direct'] as const).flatMap((mode) =>
    runs[mode].flatMap((timeline, run) => {
      const last = timeline.findLast(({ curve }) => curve === CURVES[2]);
      const never = of.units - (last?.orders ?? 0);
      const sold = run === 0 && last && `${count(last.orders)} sold${never > 0 ? `, ${count(never)} never` : ''}`;
      return timeline.map((point) => ({ path: TITLES[mode], run, ...point, ...(point === last && { sold }) }));
    }),
  );
  const svg = await new vega.View(vega.parse(compile(specOf(of, values)).spec), { renderer: 'none' }).toSVG();
  return svg.replace(/\d+\.\d\d+/g, (number) => Number(number).toFixed(1));
}

const [DARK, GREY] = ['#1f2328', '#57606a'];
const CONFIG = {
  ...{ aria: false, background: 'white', padding: 16, font: 'system-ui, Segoe UI, Helvetica, Arial, sans-serif' },
  title: { fontSize: 17, anchor: 'start', offset: 14, color: DARK },
  header: { labelFontSize: 14, labelFontWeight: 'bold', labelColor: DARK, labelPadding: 8 },
  axis: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', labelColor: GREY, titleColor: GREY },
  axisX: { grid: false, tickCount: 7, labelFlush: false },
  axisY: { gridColor: '#eaeef2', domain: false, ticks: false, titlePadding: 10 },
  legend: {
    orient: 'bottom',
    labelFontSize: 13,
    labelLimit: 0,
    columnPadding: 28,
    symbolSize: 400,
    symbolOpacity: 1,
    symbolStrokeWidth: 3,
  },
  view: { stroke: null },
  text: { fontSize: 13, fontWeight: 'bold' },
} as const;

/** A line for each curve and run, a dotted one for the units, and the units sold where the bold line ends. */
function specOf({ buyers, seconds, units, chargesPerSecond }: Case, values: object[]): TopLevelSpec {
  const x = { field: 'seconds', type: 'quantitative', title: 'seconds since the first click' } as const;
  const y = { field: 'orders', type: 'quantitative', title: 'orders' } as const;
  const load = `${count(buyers)} clicks in ${seconds} s for ${count(units)} units`;
  const scale = { domain: CURVES, range: COLOURS };
  const color = { field: 'curve', type: 'nominal', title: null, scale, legend: { symbolType: 'stroke' } } as const;
  const lines = { x, y, color, detail: { field: 'run' } } as const;
  const once = { values: [{}] };
  const stock = { align: 'left', dx: 6, dy: -9, color: GREY } as const;
  const sold = { align: 'right', dy: -10, color: '#0969da' } as const;
  return {
    title: `${load}; the bank takes ${count(chargesPerSecond)}/s`,
    data: { values },
    facet: { column: { field: 'path', type: 'nominal', sort: Object.values(TITLES), title: null } },
    spec: {
      ...{ width: 425, height: 260 },
      layer: [
        { data: once, mark: { type: 'rule', strokeDash: [2, 3], color: GREY }, encoding: { y: { datum: units } } },
        {
          data: once,
          mark: { type: 'text', text: `${count(units)} units`, ...stock },
          encoding: { x: { datum: 0 }, y: { datum: units } },
        },
        {
          transform: [{ filter: 'datum.run > 0' }],
          mark: { type: 'line', strokeWidth: 1, opacity: 0.25 },
          encoding: lines,
        },
        { transform: [{ filter: 'datum.run === 0' }], mark: { type: 'line', strokeWidth: 2.5 }, encoding: lines },
        {
          transform: [{ filter: 'datum.sold' }],
          mark: { type: 'text', ...sold },
          encoding: { x, y, text: { field: 'sold' } },
        },
      ],
    },
    config: CONFIG,
  };
}
