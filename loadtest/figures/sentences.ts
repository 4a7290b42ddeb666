// Figures of both paths as sentences, for the demo and the report: each is made from the figures, and praise is earned.
import type { PathFigures, Percentiles } from './figures.ts';
import { count, duration } from './format.ts';

type Counts = 'confirmed' | 'confirmedAtLastClick' | 'unsold' | 'refusedWhileStockLasted' | 'longestQueue';

/** One run's figures; or several runs' medians, with the failures of the worst. */
export interface Figures extends Pick<PathFigures, Counts | 'timedOut' | 'errors' | 'unknown'> {
  no: Pick<PathFigures['no'], 'busy' | 'tooLate'>;
  responseMs: { yes: Pick<Percentiles, 'p50' | 'p99'> };
  clickToFinalMs: Pick<Percentiles, 'p50'>;
}

export interface Compared {
  units: number;
  chargesPerSecond: number;
  queued: Figures;
  direct: Figures;
}

/** Less than a tenth more or less counts as no difference: these figures spread as much from run to run. */
const CLEARLY = 1.1;

/** The queue's gain, its cost, and the calls beside it. */
export const sentences = (run: Compared): string[] => [gain(run), cost(run), calls(run)];

export function gain({ units, chargesPerSecond, queued }: Compared): string {
  const { confirmed, confirmedAtLastClick, refusedWhileStockLasted, longestQueue } = queued;
  const sold = confirmed === units ? `all ${count(units)}` : `${count(confirmed)} of ${count(units)}`;
  const tooEarly = refusedWhileStockLasted > 0 ? [`refused ${count(refusedWhileStockLasted)} while stock lasted`] : [];
  const amiss = [...tooEarly, ...failure(queued)];
  if (amiss.length > 0) return `The queue sold ${sold}, but ${and(amiss)}.`;
  const praise = 'refused no click while stock lasted';
  const later = confirmed - confirmedAtLastClick;
  if (later === 0)
    return `The queue sold ${sold} and ${praise}, but had nothing to keep: all was sold by the last click.`;
  const after = `${count(later)} ${later === 1 ? 'was' : 'were'} sold after the last click`;
  if (confirmed < confirmedAtLastClick * CLEARLY)
    return `The queue sold ${sold} and ${praise}, but had little to keep: ${after}.`;
  const though = chargesPerSecond > 0 ? `, though the bank takes ${count(chargesPerSecond)}/s,` : '';
  return `The queue sold ${sold}${though} and ${praise}: up to ${count(longestQueue)} waited, ${after}.`;
}

export function cost({ queued, direct }: Compared): string {
  const waited = queued.clickToFinalMs.p50;
  const called = direct.clickToFinalMs.p50;
  if (waited === null) return 'The cost of the queue is unknown: nothing was sold through it.';
  const result = `half of its buyers knew the result within ${duration(waited)}`;
  if (called === null) return `Its price is waiting: ${result}; the direct path has none to compare with.`;
  if (waited < called * CLEARLY) return `It cost no time: ${result}, on the direct path within ${duration(called)}.`;
  const yes = duration(queued.responseMs.yes.p50);
  const times = `${(waited / called).toFixed(1)} times the ${duration(called)} of the direct path`;
  return `Its price is waiting: a yes came after ${yes}, but ${result}, ${times}.`;
}

export function calls({ units, direct }: Compared): string {
  const { confirmed, unsold, no, refusedWhileStockLasted, clickToFinalMs } = direct;
  if (confirmed === 0) return 'The direct path sold nothing, so it cannot be recommended by this run.';
  const returned = `returned the result in ${duration(clickToFinalMs.p50)}`;
  const amiss = failure(direct);
  const early = refusedWhileStockLasted > 0 ? `${count(refusedWhileStockLasted)} while stock lasted` : '';
  if (!early && amiss.length === 0) {
    const verdict = 'where the bank keeps up like this, calls are the simpler choice';
    return `The direct path ${returned} and refused no click while stock lasted: ${verdict}.`;
  }
  const ending = (verdict: string) => (amiss.length > 0 ? '.' : `: ${verdict}.`);
  if (unsold === 0) {
    const but = and([early && `refused ${early}`, ...amiss]) + ending('enough where they may come again');
    return `The direct path sold all ${count(units)} too and ${returned}, but ${but}`;
  }
  const why = no.tooLate > no.busy ? 'ran out of time for' : 'had no room for';
  const never = `${count(unsold)} ${unsold === 1 ? 'was' : 'were'} never sold`;
  const but = and([early && `${why} ${early}`, ...amiss, never]) + ending('calls suit a bank that keeps up');
  return `The direct path ${returned}, but ${but}`;
}

export function speed({ queued, direct }: Compared): string {
  const [yes, called] = [queued.responseMs.yes, direct.responseMs.yes];
  const written = ({ p50, p99 }: typeof yes) => `${duration(p50)} (p99 ${duration(p99)})`;
  const both = `a yes came after ${written(yes)}, directly after ${written(called)}`;
  const faster = (rank: 'p50' | 'p99') => (yes[rank] ?? Infinity) * CLEARLY <= (called[rank] ?? 0);
  if (!faster('p50') || !faster('p99')) return `Responses were not clearly faster with the queue: ${both}.`;
  return `Responses came sooner with the queue: ${both}; with the queue it is a promise, directly it is the result.`;
}

export function cpuTime(queuedMs: number | null, directMs: number | null): string {
  if (queuedMs === null || directMs === null) return 'CPU time could not be read here.';
  const [queued, direct] = [queuedMs, directMs].map((ms) => `${ms.toFixed(1)} ms`);
  return `An order sold through the queue cost ${queued} of CPU time, a direct one ${direct}, refusals and all.`;
}

/** Buyers that neither a yes nor a no reached, in one phrase at most. */
function failure({ timedOut, errors, unknown }: Figures): string[] {
  if (timedOut + errors === 0) return unknown > 0 ? [`${count(unknown)} never got a result`] : [];
  const got = [...(timedOut > 0 ? ['no response in time'] : []), ...(errors > 0 ? ['an error'] : [])];
  return [`${count(timedOut + errors)} got ${got.join(' or ')}`];
}

const and = (parts: string[]) => new Intl.ListFormat('en-GB').format(parts.filter(Boolean));

type Medians = Record<string, { median: number | null; max: number | null }>;
type CaseFigures = Record<'units' | 'buyers' | 'seconds' | 'chargesPerSecond', number> & {
  name: string;
  modes: Record<'queued' | 'direct', Medians>;
};

/** The gain and the cost at the peak, and the same three sentences below capacity, where the queue does not help. */
export function wordsOf({ cases }: { cases: CaseFigures[] }): Record<'gives' | 'costs' | 'noHelp', string[]> {
  const of = (name: string) => cases.find((each) => each.name === name) as CaseFigures;
  const [peak, calm] = [of('peak'), of('calm')];
  const [atPeak, below] = [comparedOf(peak), comparedOf(calm)];
  const cpuOf = (mode: 'queued' | 'direct') => peak.modes[mode]['cpuMsPerConfirmed.total']?.median ?? null;
  const rates = `${count(calm.buyers / calm.seconds)}/s at a bank that takes ${count(calm.chargesPerSecond)}/s`;
  return {
    gives: [gain(atPeak), calls(atPeak), speed(atPeak)],
    costs: [cost(atPeak), cpuTime(cpuOf('queued'), cpuOf('direct'))],
    noHelp: [`Below capacity (${rates}): ${gain(below)}`, cost(below), calls(below)],
  };
}

/** A limit of the bank above the arrivals holds no order back, so it is not named. */
const comparedOf = ({ units, buyers, seconds, chargesPerSecond, modes }: CaseFigures): Compared => ({
  ...{ units, queued: figuresOf(modes.queued, units), direct: figuresOf(modes.direct, units) },
  chargesPerSecond: buyers / seconds > chargesPerSecond ? chargesPerSecond : 0,
});

/** Medians; but a failure that the middle run does not have is the worst run's, so that praise holds for every run. */
function figuresOf(mode: Medians, units: number): Figures {
  const median = (key: string) => mode[key]?.median ?? null;
  const failures = (key: string) => median(key) || (mode[key]?.max ?? 0);
  const unsold = failures('unsold');
  return {
    ...{ unsold, confirmed: units - unsold, confirmedAtLastClick: median('confirmed.burst') ?? 0 },
    ...{ refusedWhileStockLasted: failures('refusedWhileStockLasted'), longestQueue: median('longestQueue') ?? 0 },
    ...{ timedOut: failures('timedOut'), errors: failures('errors'), unknown: failures('unknown') },
    no: { busy: median('no.busy') ?? 0, tooLate: median('no.tooLate') ?? 0 },
    responseMs: { yes: { p50: median('yesMs.p50'), p99: median('yesMs.p99') } },
    clickToFinalMs: { p50: median('clickToFinalMs.p50') },
  };
}
