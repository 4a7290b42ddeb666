// What the figures say, in sentences made from the medians: what the queue gave, what it cost, and where it did not help.
import { count, duration } from '../measure/format.ts';
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

const whole = (value: number | null) => (value === null ? '–' : count(Math.round(value)));
const rate = (value: number | null) => `${whole(value)}/s`;

function gives({ units, chargesPerSecond, roads }: Compared): string[] {
  const [queued, direct] = [medianOf(roads.queued), medianOf(roads.direct)];
  return [turnedAway(units, queued, direct), answering(queued, direct), bankAtWork(chargesPerSecond, queued, direct)];
}

function turnedAway(units: number, queued: Median, direct: Median): string {
  const [kept, lost] = [queued('turnedAwayWhileUnsold'), direct('turnedAwayWhileUnsold')];
  const nobody = kept === 0 ? 'nobody' : whole(kept);
  const sold = `${whole(queued('confirmed.end'))} of ${count(units)} units`;
  return `The queue turned ${nobody} away while a unit was unsold and sold ${sold} in the end; the direct road turned ${whole(lost)} away and sold ${whole(direct('confirmed.end'))}.`;
}

function answering(queued: Median, direct: Median): string {
  const [yes, called] = [queued('yesMs.p50'), direct('yesMs.p50')];
  const both = `a yes came after ${duration(yes)} (p99 ${duration(queued('yesMs.p99'))}), directly after ${duration(called)} (p99 ${duration(direct('yesMs.p99'))})`;
  if (yes === null || called === null || yes >= called) return `Answers were no faster with the queue: ${both}.`;
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
  if (waited === null || called === null || waited <= called)
    return `The final result came no later than directly: ${both}.`;
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
  return [
    `${below} the queue sold ${whole(queued('confirmed.end'))}, the direct road ${whole(direct('confirmed.end'))}; turned away while units were unsold: ${whole(queued('turnedAwayWhileUnsold'))} and ${whole(direct('turnedAwayWhileUnsold'))}.`,
    onlyLatency(queued('clickToFinalMs.p50'), direct('clickToFinalMs.p50')),
  ];
}

function onlyLatency(waited: number | null, called: number | null): string {
  const both = `${duration(waited)} until the result instead of ${duration(called)}`;
  if (waited === null || called === null) return `What it did to latency cannot be said: ${both}.`;
  if (waited <= called) return `In this run it did not even cost latency: ${both}.`;
  return `There it has nothing to keep and is only extra latency: ${both}. Calls are the simpler choice.`;
}
