// What there is to be seen, as data: the frame is drawn from it, and from nothing else.
import type { ServiceEvent } from '../../infra/native/stack.ts';
import type { Sample } from './sample.ts';

export type ActName = 'queued' | 'direct' | 'accident';

export interface Act {
  name: ActName;
  mode: 'queued' | 'direct';
  title: string;
  units: number;
  buyers: number;
  crowdSeconds: number;
  chargesPerSecond: number;
}

export interface ActScene extends Act {
  state: 'to come' | 'running' | 'done';
  samples: Sample[];
  marks: { atMs: number; text: string }[];
  beganAt: number;
}

export interface ServiceScene {
  state: 'up' | 'starting' | 'dead';
  kills: number;
  /** Ends that nobody asked for and no signal brought. */
  crashes: number;
  starts: number;
}

export interface Scene {
  title: string;
  stage: string;
  elapsedMs: number;
  acts: ActScene[];
  services: Map<string, ServiceScene>;
  /** Everything said so far, the latest last. */
  journal: string[];
}

const STATES: Partial<Record<ServiceEvent['event'], ServiceScene['state']>> = {
  started: 'starting',
  ready: 'up',
  exited: 'dead',
  restarting: 'dead',
  stopped: 'dead',
};

export function afterEvent(before: ServiceScene | undefined, { event, signal }: ServiceEvent): ServiceScene {
  const { state, kills, crashes, starts } = before ?? { state: 'starting', kills: 0, crashes: 0, starts: 0 };
  const ended = event === 'exited';
  return {
    state: STATES[event] ?? state,
    kills: kills + (ended && signal ? 1 : 0),
    crashes: crashes + (ended && !signal ? 1 : 0),
    starts: starts + (event === 'started' ? 1 : 0),
  };
}
