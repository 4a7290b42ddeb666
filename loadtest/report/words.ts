// What the figures say, in sentences made from the medians: what the queue gave, what it cost, and where it did not help.
import { count, duration } from '../figures/format.ts';
import type { RoadSummary, Summary } from './summary.ts';

export interface Words {
  gives: string[];
  costs: string[];
  noHelp: string[];
}

type Compared = Summary['cases'][number];
type Median = (key: string) => number | null;

export function wordsOf({ cases }: Pick<Summary, 'cases'>): Words {
  const of = (name: Compared['name']) => cases.find((each) => each.name === name) as Compared;
  return { gives: gives(of('peak')), costs: costs(of('peak')), noHelp: noHelp(of('calm')) };
}

const medianOf =
  (road: RoadSummary): Median =>
  (key) =>
    road[key]?.median ?? null;

/** Less than a tenth more or less is told as no difference: the spread of these figures. */
const CLEARLY = 1.1;

const whole = (value: number | null) => (value === null ? '–' : count(Math.round(value)));
const rate = (value: number | null) => `${whole(value)}/s`;

function gives({ units, chargesPerSecond, roads }: Compared): string[] {
  const [queued, direct] = [medianOf(roads.queued), medianOf(roads.direct)];
  const most = roads.queued.turnedAwayWhileUnsold?.max ?? null;
  return [
    turnedAway(units, most, queued, direct),
    answering(queued, direct),
    bankAtWork(chargesPerSecond, queued, direct),
  ];
}

/** Nobody is nobody in every run, not in the middle one. */
function turnedAway(units: number, most: number | null, queued: Median, direct: Median): string {
  const nobody = most === 0 ? 'nobody' : `up to ${whole(most)}`;
  const sold = `${whole(queued('confirmed.end'))} of ${count(units)} units`;
  return `The queue turned ${nobody} away while a unit was unsold and sold ${sold} in the end; the direct road turned ${whole(direct('turnedAwayWhileUnsold'))} away and sold ${whole(direct('confirmed.end'))}.`;
}

function answering(queued: Median, direct: Median): string {
  const [yes, called] = [queued('yesMs.p50'), direct('yesMs.p50')];
  const both = `a yes came after ${duration(yes)} (p99 ${duration(queued('yesMs.p99'))}), directly after ${duration(called)} (p99 ${duration(direct('yesMs.p99'))})`;
  const slowest = (queued('yesMs.p99') ?? Infinity) >= (direct('yesMs.p99') ?? 0);
  if (yes === null || called === null || yes * CLEARLY > called || slowest)
    return `Answers were not clearly faster with the queue: ${both}.`;
  return `Answers stayed fast: ${both}; with the queue it is a promise, directly it is the result.`;
}

function bankAtWork(chargesPerSecond: number, queued: Median, direct: Median): string {
  const took = `${rate(queued('bankPerSecond'))} of its ${rate(chargesPerSecond)}`;
  const after = (queued('confirmed.end') ?? 0) - (queued('confirmed.crowd') ?? 0);
  return `The bank took ${took} until the queue was empty: ${whole(after)} were sold after the crowd had left, directly ${whole((direct('confirmed.end') ?? 0) - (direct('confirmed.crowd') ?? 0))}.`;
}

function costs({ roads }: Compared): string[] {
  const [queued, direct] = [medianOf(roads.queued), medianOf(roads.direct)];
  return [finalResult(queued, direct), cpuTime(queued, direct)];
}

function finalResult(queued: Median, direct: Median): string {
  const [waited, called] = [queued('clickToFinalMs.p50'), direct('clickToFinalMs.p50')];
  const line = `up to ${whole(queued('peakLine'))} waited, and the last result came ${duration(queued('drainedMs'))} after the crowd had left`;
  const both = `half of the buyers had it after ${duration(waited)}, directly after ${duration(called)}`;
  if (waited === null || called === null) return `What it did to the final result cannot be said: ${both}.`;
  if (waited < called * CLEARLY) return `The final result came hardly any later than directly: ${both}.`;
  return `The final result came later: ${both}, a factor of ${(waited / called).toFixed(1)}; ${line}.`;
}

function cpuTime(queued: Median, direct: Median): string {
  const [kept, called] = [queued('cpuMsPerConfirmed.total'), direct('cpuMsPerConfirmed.total')];
  if (kept === null || called === null) return 'What it cost in CPU time could not be read here.';
  return `An order sold through the queue cost ${kept.toFixed(1)} ms of CPU time, a direct one ${called.toFixed(1)} ms, refusals and all.`;
}

function noHelp({ buyers, seconds, chargesPerSecond, roads }: Compared): string[] {
  const [queued, direct] = [medianOf(roads.queued), medianOf(roads.direct)];
  const below = `Below capacity (${rate(buyers / seconds)} past a bank that takes ${rate(chargesPerSecond)})`;
  const away = [roads.queued, roads.direct].map((road) => road.turnedAwayWhileUnsold?.max ?? null);
  return [
    `${below} the queue sold ${whole(queued('confirmed.end'))}, the direct road ${whole(direct('confirmed.end'))}; turned away while units were unsold: ${away.map((most) => `${most === 0 ? '' : 'up to '}${whole(most)}`).join(' and ')}.`,
    onlyLatency(
      away.every((most) => most === 0),
      queued('clickToFinalMs.p50'),
      direct('clickToFinalMs.p50'),
    ),
  ];
}

function onlyLatency(nobodyAway: boolean, waited: number | null, called: number | null): string {
  const both = `${duration(waited)} until the result instead of ${duration(called)}`;
  if (waited === null || called === null) return `What it did to latency cannot be said: ${both}.`;
  if (!nobodyAway)
    return `But here somebody was turned away below capacity, so the case is not what it is meant to be: ${both}.`;
  if (waited < called * CLEARLY) return `In this run it hardly cost latency: ${both}.`;
  return `There it has nothing to keep and is only extra latency: ${both}. Calls are the simpler choice.`;
}
