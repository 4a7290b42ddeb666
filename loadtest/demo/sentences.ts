// What the table says, in three sentences made from its own numbers: what the queue gave, what it cost, and the calls.
import type { RoadFigures } from './figures.ts';
import { count, duration } from './format.ts';

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
  if (turnedAwayWhileUnsold > 0)
    return `The queue sold ${sold}, but turned ${count(turnedAwayWhileUnsold)} away while there were units to be had.`;
  const later = confirmed - confirmedWhenCrowdLeft;
  if (later === 0)
    return `The queue sold ${sold} and turned nobody away while one was left, but had nothing to keep: when the crowd had left, all was done.`;
  const line = chargesPerSecond > 0 ? ` past a bank of ${count(chargesPerSecond)}/s` : '';
  return `The queue sold ${sold}${line} and turned nobody away while one was left: up to ${count(peakLine)} waited in line, ${count(later)} were sold after the crowd had gone.`;
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
  if (turnedAwayWhileUnsold === 0)
    return `The direct road ${answer} and turned nobody away while a unit was left: where the bank keeps up like this, calls are the simpler choice.`;
  const away = `${count(turnedAwayWhileUnsold)} while units were left`;
  if (unsold === 0)
    return `The direct road sold all ${count(units)} too and ${answer}, but refused ${away}: enough where they may come again.`;
  const why = no.tooLate > no.busy ? 'ran out of time for' : 'had no room for';
  return `The direct road ${answer}, but ${why} ${away} (${count(unsold)} to the end): calls suit a bank that keeps up.`;
}
