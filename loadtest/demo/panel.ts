// One crowd on one road: what came, what it was told, who waits, what was sold, and the bank at work.

import { count } from '../figures/format.ts';
import { bars, levels, type Measure, rateNow, rates } from './chart.ts';
import type { Line, Style } from './frame.ts';
import { inLine, type Sample } from './sample.ts';
import type { ActScene } from './scene.ts';

export const LABEL = 13;
const WIDEST = 43;
const NARROWEST = 8;
const NOW = 8;
const TOTAL = 16;

/** Where there is little room the charts give way: a bar less is coarser, a number cut short is another number. */
export const chartWidth = (columns: number) => Math.min(WIDEST, Math.max(NARROWEST, columns - LABEL - NOW - TOTAL));

/** Of charts one above the other. */
export interface Scale {
  cellMs: number;
  width: number;
}

/** So that the bank has worked the crowd off at the right edge; half as fine for whom that is not enough. */
export function cellMsOf({ units, chargesPerSecond, crowdSeconds, samples }: ActScene, width: number): number {
  const expectedMs = (Math.max(units / (chargesPerSecond || Infinity), crowdSeconds) + 2) * 1_000;
  const neededMs = samples.at(-1)?.atMs ?? 0;
  let spanMs = expectedMs;
  while (spanMs < neededMs) spanMs *= 2;
  return spanMs / width;
}

export function panel(act: ActScene, scale: Scale): Line[] {
  return [headline(act), ...(act.state === 'to come' ? legend(act) : charts(act, scale))];
}

/** Until the crowd comes, what there will be to see. */
function legend({ mode, units, buyers, crowdSeconds, chargesPerSecond }: ActScene): Line[] {
  const queued = mode === 'queued';
  const most = count(Math.round(buyers / crowdSeconds));
  const rows = [
    ['arrivals', `clicks; a full bar is ${most} a second`],
    ['yes', queued ? 'accepted: in line, the result will follow' : 'bought and paid, known at once'],
    ['refused', queued ? 'sold out' : 'too many calls already, or sold out'],
    [lineOf(mode), queued ? 'accepted, not decided yet' : 'clicked, not answered yet'],
    ['confirmed', `sold and paid; a full bar is ${count(units)} units`],
    ['bank busy', chargesPerSecond ? `of its time; it takes ${count(chargesPerSecond)} a second` : 'of its time'],
  ];
  return rows.map(([label, meaning]) => [{ text: `  ${label}`.padEnd(LABEL) }, { text: meaning ?? '', style: 'dim' }]);
}

const lineOf = (mode: ActScene['mode']) => (mode === 'queued' ? 'in line' : 'waiting');

function charts({ mode, samples, units, buyers, crowdSeconds, state }: ActScene, scale: Scale): Line[] {
  const { cellMs } = scale;
  const now = samples.at(-1);
  const running = state === 'running';
  const line: Measure = (sample) => inLine(mode, sample);
  const rate = (label: string, style: Style, measure: Measure, total: string) => {
    const perSecond = running ? `${count(Math.round(rateNow(samples, measure)))}/s` : '';
    return row(scale, label, style, bars(rates(samples, measure, cellMs), buyers / crowdSeconds), perSecond, total);
  };
  const level = (label: string, style: Style, measure: Measure, current: string, total: string) =>
    row(scale, label, style, bars(levels(samples, measure, cellMs), units), current, total);
  const sold = `${count(now?.confirmed ?? 0)} of ${count(units)}`;
  return [
    rate('arrivals', 'cyan', ({ sent }) => sent, `${count(now?.sent ?? 0)} clicks`),
    rate('yes', 'green', ({ yes }) => yes, `${count(now?.yes ?? 0)} yes`),
    rate('refused', 'red', ({ refused }) => refused, describeNo(now)),
    level(lineOf(mode), 'yellow', line, running && now ? count(line(now)) : '', running ? 'people' : ''),
    level('confirmed', 'green', ({ confirmed }) => confirmed, '', sold),
    bankRow(samples, running, scale),
  ];
}

function bankRow(samples: Sample[], running: boolean, scale: Scale): Line {
  const busyMs: Measure = ({ bank }) => bank.busyMs;
  const busyNow = `${Math.min(100, Math.round(rateNow(samples, busyMs) / 10))} %`;
  const chart = bars(rates(samples, busyMs, scale.cellMs), 1_000);
  return row(scale, 'bank busy', 'cyan', chart, running ? busyNow : '', describeBank(samples.at(-1), running));
}

function headline({ title, name, state, samples, buyers }: ActScene): Line {
  const left = (samples.at(-1)?.sent ?? 0) >= buyers;
  const status = state === 'running' ? (left ? 'crowd gone' : 'crowd here') : state;
  const label = name.toUpperCase().padEnd(LABEL);
  return [
    { text: label, style: 'bold' },
    { text: title },
    { text: ` [${status}]`, style: state === 'running' ? 'yellow' : 'dim' },
  ];
}

function row({ width }: Scale, label: string, style: Style, chart: string, now: string, total: string): Line {
  return [
    { text: `  ${label}`.padEnd(LABEL) },
    { text: chart.slice(0, width).padEnd(width), style },
    { text: now.padStart(NOW) },
    { text: `  ${total}`, style: 'dim' },
  ];
}

const describeNo = (now: Sample | undefined) =>
  `${count(now?.refused ?? 0)} no${now?.other ? ` ${count(now.other)} ?` : ''}`;

/** Of its calls: those in its line and those it works on. */
function describeBank(now: Sample | undefined, running: boolean): string {
  const { charges = 0, waiting = 0, inProgress = 0 } = now?.bank ?? {};
  return running ? `${count(inProgress + waiting)} calls` : `${count(charges)} paid`;
}

/** A finished act in one line. */
export function describeAct({ name, samples, units }: ActScene): Line {
  const now = samples.at(-1);
  const told = `${count(now?.yes ?? 0)} yes  ${describeNo(now)}  ${count(now?.confirmed ?? 0)} of ${count(units)} confirmed`;
  return [{ text: name.toUpperCase().padEnd(LABEL), style: 'bold' }, { text: told }];
}
