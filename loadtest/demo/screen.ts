// One frame of the live screen, from the state alone: at most 80 columns wide, and no higher than the terminal.
import { stripVTControlCharacters, styleText } from 'node:util';
import type { ServiceEvent } from '../../infra/native/supervisor.ts';
import { count, WIDTH } from '../figures/format.ts';
import type { RunState, Size, State } from './progress.ts';
import { lastOf, type Sample, valueAt, waitingOrders } from './run.ts';

type Measure = (sample: Sample) => number;
/** The bars of a level are its values; those of the others, which only grow, are their growth per second. */
type Kind = 'rate' | 'level' | 'percent';
type Style = 'red' | 'green' | 'yellow' | 'cyan';
type Row = [label: string, style: Style, kind: Kind, measure: Measure, total: string, meaning: string];

const [LABEL, NOW, TOTAL] = [13, 8, 16];

export function frame({ title, phase, began, runs, events, log }: State, { columns, rows }: Size): string[] {
  const width = Math.min(columns, WIDTH);
  const time = `${((performance.now() - began) / 1000).toFixed(1)} s`;
  const services = [...Map.groupBy(events, ({ service }) => service)].reverse().map(describeService);
  const above = [
    styleText('bold', fit(title.padEnd(width - time.length), width - time.length)) + time,
    styleText('cyan', `▶ ${phase}`),
    ...panels(runs, chartWidth(width)),
    '',
    ...twoRows(services, width),
  ];
  const latest = log.slice(-Math.max(1, rows - above.length));
  const lines = [...above, ...latest.map((line) => styleText('dim', fit(line, width)))];
  return lines.slice(0, rows).map((line) => fit(line, width));
}

/** Cuts, never wraps; and marks the cut, since a number that is cut short reads like another one. */
function fit(line: string, width: number): string {
  const text = [...stripVTControlCharacters(line)];
  return text.length <= width ? line : `${text.slice(0, width - 1).join('')}${'…'.slice(0, width)}`;
}

/** As many parts in the first row as have room there, the others in the second. */
function twoRows(parts: string[], width: number): string[] {
  const textOf = (some: string[]) => some.join('  ');
  const last = parts.findLastIndex((_, i) => stripVTControlCharacters(textOf(parts.slice(0, i + 1))).length <= width);
  return [textOf(parts.slice(0, last + 1)), textOf(parts.slice(last + 1))];
}

const SIGNS = { started: styleText('yellow', '○'), ready: styleText('green', '●'), exited: styleText('red', '✗') };

function describeService([name, events]: [string, ServiceEvent[]]): string {
  const latest = events.findLast(({ event }) => event in SIGNS)?.event as keyof typeof SIGNS;
  const exits = events.filter(({ event }) => event === 'exited');
  const killed = exits.filter(({ signal }) => signal).length;
  const restarted = events.filter(({ event }) => event === 'started').length - 1;
  const counts = Object.entries({ killed, crashed: exits.length - killed, restarted }).filter(([, times]) => times > 0);
  return `${SIGNS[latest]} ${name}${styleText('red', counts.map(([what, times]) => ` ${what} ${times}`).join(','))}`;
}

/** Charts give way where there is little room: a coarser bar is still true, a number cut short is another one. */
export const chartWidth = (columns: number) => Math.min(43, Math.max(8, columns - LABEL - NOW - TOTAL));

/** Both paths one above the other, until the run with the kill needs the room. */
function panels(runs: RunState[], width: number): string[] {
  const last = runs.find(({ name, status }) => name === 'accident' && status !== 'to come');
  const shown = last ? [last] : runs.filter(({ name }) => name !== 'accident');
  const cellMs = Math.max(...shown.map((run) => cellMsOf(run, width)));
  const below = (atMs: number) => ' '.repeat(LABEL + Math.min(width - 1, Math.floor(atMs / cellMs)));
  return [
    ...(last ? runs.filter((run) => run !== last).map(summary) : []),
    '',
    ...shown.flatMap((run) => panel(run, cellMs, width)),
    styleText('dim', below(0) + axis(cellMs, width)),
    ...(last?.marks ?? []).map(({ atMs, text }) => styleText('yellow', `${below(atMs)}↑ ${text}`)),
  ];
}

/** The expected end is at the right edge; a run that needs longer gets a coarser chart. */
export function cellMsOf({ units, bank, burstSeconds, samples }: RunState, width: number): number {
  let spanMs = (Math.max(units / (bank.chargesPerSecond || Infinity), burstSeconds) + 2) * 1_000;
  while (spanMs < lastOf(samples).atMs) spanMs *= 2;
  return spanMs / width;
}

/** The times under the bars, as many as have room. */
export function axis(cellMs: number, width: number): string {
  const ticks = Math.max(1, Math.floor(width / 10));
  const cells = Array.from({ length: ticks }, (_, i) => (i * width) / ticks);
  return cells.reduce(
    (line, cell) => `${line.padEnd(Math.round(cell))}${Math.round((cell * cellMs) / 100) / 10} s`,
    '',
  );
}

const heading = (name: string) => styleText('bold', name.toUpperCase().padEnd(LABEL));
const refusals = ({ refused, other }: Sample) => `${count(refused)} no${other ? ` ${count(other)} ?` : ''}`;
const sold = ({ confirmed }: Sample, units: number) => `${count(confirmed)} of ${count(units)}`;

function summary({ name, samples, units }: RunState): string {
  const last = lastOf(samples);
  return `${heading(name)}${count(last.yes)} yes  ${refusals(last)}  ${sold(last, units)} confirmed`;
}

/** A headline and a row for each measure; until the run begins, their meanings are in the place of the charts. */
function panel(run: RunState, cellMs: number, width: number): string[] {
  const { name, title, status, samples, units, buyers, burstSeconds } = run;
  const [{ atMs, sent }, running] = [lastOf(samples), status === 'running'];
  const full = { rate: buyers / burstSeconds, level: units, percent: 100 };
  const rows = rowsOf(run).map(([label, style, kind, measure, total, meaning]) => {
    const start = `  ${label}`.padEnd(LABEL);
    if (status === 'to come') return start + styleText('dim', meaning);
    const chart = bars(cells(samples, measure, cellMs, kind).slice(0, width), full[kind]).padEnd(width);
    const value = Math.round(valueOver(samples, measure, kind, Math.max(0, atMs - 1_000), atMs));
    const now = { rate: `${count(value)}/s`, level: count(value), percent: `${Math.min(100, value)} %` }[kind];
    return `${start}${styleText(style, chart)}${(running ? now : '').padStart(NOW)}${styleText('dim', `  ${total}`)}`;
  });
  const shown = running ? (sent < buyers ? 'clicking' : 'all clicked') : status;
  return [`${heading(name)}${title} ${styleText(running ? 'yellow' : 'dim', `[${shown}]`)}`, ...rows];
}

const MEANINGS = {
  queued: ['accepted: the order waits, the result follows', 'sold out', 'accepted, not decided yet'],
  direct: ['bought and paid, known at once', 'too many calls already, or sold out', 'clicked, no response yet'],
} as const;

function rowsOf({ mode, status, samples, units, buyers, burstSeconds, bank: { chargesPerSecond } }: RunState): Row[] {
  const [last, running] = [lastOf(samples), status === 'running'];
  const { charges, waiting, inProgress } = last.bank;
  const calls = running ? `${count(waiting + inProgress)} calls` : `${count(charges)} paid`;
  const who = running ? 'buyers' : '';
  const stock = running ? `of ${count(units)}` : sold(last, units);
  const most = buyers / burstSeconds;
  const bar = (full: number) => `a full bar is ${count(Math.round(full))}`;
  const takes = chargesPerSecond ? `; it takes ${count(chargesPerSecond)} a second` : '';
  const [yes, no, wait] = MEANINGS[mode];
  return [
    ['arrivals', 'cyan', 'rate', ({ sent }) => sent, `${count(last.sent)} clicks`, `clicks; ${bar(most)} a second`],
    ['yes', 'green', 'rate', ({ yes }) => yes, `${count(last.yes)} yes`, yes],
    ['refused', 'red', 'rate', ({ refused }) => refused, refusals(last), no],
    ['waiting', 'yellow', 'level', (sample) => waitingOrders(mode, sample), who, wait],
    ['confirmed', 'green', 'level', ({ confirmed }) => confirmed, stock, `sold and paid; ${bar(units)} units`],
    ['bank busy', 'cyan', 'percent', ({ bank }) => bank.busyMs / 10, calls, `of its time${takes}`],
  ];
}

/** One value for each cell that has begun, the last one as far as it goes. */
export function cells(samples: Sample[], measure: Measure, cellMs: number, kind: Kind): number[] {
  const { atMs } = lastOf(samples);
  const starts = Array.from({ length: Math.ceil(atMs / cellMs) }, (_, i) => i * cellMs);
  return starts.map((fromMs) => valueOver(samples, measure, kind, fromMs, Math.min(fromMs + cellMs, atMs)));
}

export function valueOver(samples: Sample[], measure: Measure, kind: Kind, fromMs: number, toMs: number): number {
  const value = valueAt(samples, measure, toMs);
  if (kind === 'level') return value;
  return toMs > fromMs ? ((value - valueAt(samples, measure, fromMs)) / (toMs - fromMs)) * 1_000 : 0;
}

/** A value above `full` is a full bar, and a value above zero is always visible. */
export function bars(values: number[], full: number): string {
  const height = (value: number) => (value > 0 ? Math.min(8, Math.max(1, Math.round((value / full) * 8))) : 0);
  return values.map((value) => ' ▁▂▃▄▅▆▇█'[height(value)]).join('');
}
