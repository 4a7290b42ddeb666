// What the table says, in three sentences made from its own numbers: what the queue gave, what it cost, and the calls.
import type { RoadFigures } from '../figures/figures.ts';
import { count, duration } from '../figures/format.ts';

export interface Compared {
  units: number;
  chargesPerSecond: number;
  queued: RoadFigures;
  direct: RoadFigures;
}

export const sentences = (run: Compared): string[] => [gave(run), cost(run), calls(run)];

function gave({ units, chargesPerSecond, queued }: Compared): string {
  const { confirmed, confirmedWhenCrowdLeft, turnedAwayWhileUnsold, peakLine } = queued;
  const sold = confirmed === units ? `all ${count(units)}` : `${count(confirmed)} of ${count(units)}`;
  const amiss = failure(queued);
  // Praise is for a road on which nothing of the kind happened.
  if (turnedAwayWhileUnsold > 0)
    return `The queue sold ${sold}, but ${and([`it turned ${count(turnedAwayWhileUnsold)} away while a unit was left`, ...amiss])}.`;
  if (amiss.length > 0) return `The queue sold ${sold}, but ${and(amiss)}.`;
  const later = confirmed - confirmedWhenCrowdLeft;
  if (later === 0)
    return `The queue sold ${sold} and turned nobody away while a unit was left, but had nothing to keep: when the crowd had left, all was done.`;
  const though = chargesPerSecond > 0 ? `, though the bank takes ${count(chargesPerSecond)}/s,` : '';
  return `The queue sold ${sold}${though} and turned nobody away while a unit was left: up to ${count(peakLine)} waited, ${count(later)} were sold after the crowd left.`;
}

function cost({ queued, direct }: Compared): string {
  const waited = queued.clickToFinalMs.p50;
  const called = direct.clickToFinalMs.p50;
  if (waited === null) return 'What the queue costs cannot be said: nothing was sold through it.';
  const result = `half of its buyers knew the result within ${duration(waited)}`;
  if (called === null) return `Its price is waiting: ${result}; on the direct road nobody got one to compare with.`;
  const times = waited / called;
  if (times < 1.2) return `It cost nobody time: ${result}, on the direct road within ${duration(called)}.`;
  const yes = duration(queued.answerMs.yes.p50);
  return `Its price is waiting: a yes came after ${yes}, but ${result}, ${times.toFixed(1)} times the ${duration(called)} of the direct road.`;
}

function calls({ units, direct }: Compared): string {
  const { confirmed, unsold, no, turnedAwayWhileUnsold, clickToFinalMs } = direct;
  if (confirmed === 0) return 'The direct road sold nothing, so it cannot be recommended by this run.';
  const answer = `told the result in ${duration(clickToFinalMs.p50)}`;
  const amiss = failure(direct);
  if (turnedAwayWhileUnsold === 0 && amiss.length === 0)
    return `The direct road ${answer} and turned nobody away while a unit was left: where the bank keeps up like this, calls are the simpler choice.`;
  const away = turnedAwayWhileUnsold > 0 ? [`${count(turnedAwayWhileUnsold)} while a unit was left`] : [];
  if (unsold === 0)
    return `The direct road sold all ${count(units)} too and ${answer}, but ${and([...away.map((some) => `refused ${some}`), ...amiss])}${amiss.length ? '' : ': enough where they may come again'}.`;
  const why = no.tooLate > no.busy ? 'ran out of time for' : 'had no room for';
  const never = `${count(unsold)} ${unsold === 1 ? 'was' : 'were'} never sold`;
  return `The direct road ${answer}, but ${and([...away.map((some) => `${why} ${some}`), ...amiss, never])}${amiss.length ? '' : ': calls suit a bank that keeps up'}.`;
}

/** Those whom neither a yes nor a no reached, at most one phrase. */
function failure({ unanswered, errors, unknown }: RoadFigures): string[] {
  if (unanswered + errors === 0) return unknown > 0 ? [`${count(unknown)} never got a result`] : [];
  const got = [...(unanswered > 0 ? ['no answer in time'] : []), ...(errors > 0 ? ['an error'] : [])];
  return [`${count(unanswered + errors)} got ${got.join(' or ')}`];
}

const and = (parts: string[]) => [parts.slice(0, -1).join(', '), ...parts.slice(-1)].filter(Boolean).join(' and ');
