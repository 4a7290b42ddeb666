// One crowd on one road: what came, what it was told, who waits, what was sold, and the bank at work.
import { bars, levels, type Measure, rateNow, rates } from './chart.ts';
import { count } from './format.ts';
import type { Line, Style } from './frame.ts';
import { inLine } from './sample.ts';
import type { ActScene } from './scene.ts';

export const LABEL = 13;
export const CHART = 43;
const NOW = 8;

/** So that the bank has worked the crowd off at the right edge; half as fine for whom that is not enough. */
export function cellMsOf({ units, chargesPerSecond, crowdSeconds, samples }: ActScene): number {
  const expectedMs = (Math.max(units / (chargesPerSecond || Infinity), crowdSeconds) + 2) * 1_000;
  const neededMs = samples.at(-1)?.atMs ?? 0;
  let spanMs = expectedMs;
  while (spanMs < neededMs) spanMs *= 2;
  return spanMs / CHART;
}

export function panel(act: ActScene, cellMs: number): Line[] {
  const { mode, samples, units, buyers, crowdSeconds, state } = act;
  const now = samples.at(-1);
  const line: Measure = (sample) => inLine(mode, sample);
  const most = buyers / crowdSeconds;
  const perSecond = (measure: Measure) =>
    state === 'running' ? `${count(Math.round(rateNow(samples, measure)))}/s` : '';
  const rate = (label: string, style: Style, measure: Measure, total: string) =>
    row(label, style, bars(rates(samples, measure, cellMs), most), perSecond(measure), total);
  const busy = rates(samples, ({ bank }) => bank.busyMs, cellMs);
  const busyNow = Math.min(100, Math.round(rateNow(samples, ({ bank }) => bank.busyMs) / 10));
  const peak = Math.max(0, ...samples.map(line));
  return [
    headline(act),
    rate('arrivals', 'cyan', ({ sent }) => sent, `${count(now?.sent ?? 0)} clicks`),
    rate('yes', 'green', ({ yes }) => yes, `${count(now?.yes ?? 0)} yes`),
    rate('refused', 'red', ({ refused }) => refused, describeNo(now)),
    row(
      mode === 'queued' ? 'in line' : 'waiting',
      'yellow',
      bars(levels(samples, line, cellMs), units),
      state === 'running' && now ? count(line(now)) : '',
      `${count(peak)} at most`,
    ),
    row(
      'confirmed',
      'green',
      bars(
        levels(samples, ({ confirmed }) => confirmed, cellMs),
        units,
      ),
      '',
      `${count(now?.confirmed ?? 0)} of ${count(units)}`,
    ),
    row('bank busy', 'cyan', bars(busy, 1_000), state === 'running' ? `${busyNow} %` : '', describeBank(act)),
  ];
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

function row(label: string, style: Style, chart: string, now: string, total: string): Line {
  return [
    { text: `  ${label}`.padEnd(LABEL) },
    { text: chart.slice(0, CHART).padEnd(CHART), style },
    { text: now.padStart(NOW) },
    { text: `  ${total}`, style: 'dim' },
  ];
}

const describeNo = (now: ActScene['samples'][number] | undefined) =>
  `${count(now?.refused ?? 0)} no${now?.other ? ` ${count(now.other)} ?` : ''}`;

function describeBank({ samples, state }: ActScene): string {
  const { charges = 0, waiting = 0, inProgress = 0 } = samples.at(-1)?.bank ?? {};
  return state === 'running' ? `${count(inProgress + waiting)} calls` : `${count(charges)} paid`;
}

/** A finished act in one line. */
export function describeAct({ name, mode, samples, units }: ActScene): Line {
  const now = samples.at(-1);
  const peak = Math.max(0, ...samples.map((sample) => inLine(mode, sample)));
  const told = `${count(now?.yes ?? 0)} yes  ${describeNo(now)}  ${count(now?.confirmed ?? 0)} of ${count(units)} sold  longest line ${count(peak)}`;
  return [{ text: name.toUpperCase().padEnd(LABEL), style: 'bold' }, { text: told }];
}
