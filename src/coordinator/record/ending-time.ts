/**
 * How long a run will take to end once it is told to: its workers finish the steps that they have been assigned, a
 * checkpoint is written, and their processes end. Pure.
 */
import { longestExitMs } from '../../shared/core/deadlines.ts';
import type { RunEvent } from '../run-events.ts';

export interface EndingTime {
  /** The slowest of recent steps, in seconds. */
  readonly slowestStep: number;
  /** The last checkpoint, in seconds. */
  readonly checkpoint: number;
}

export const nothingKnown: EndingTime = { slowestStep: 0, checkpoint: 0 };

/** One step is under way, and one more is assigned. */
const stepsAhead = 2;

/** What a slow step counts less with every step after it. */
const forgetting = 0.99;

/**
 * From the last checkpoint to the end of the last process: what a process gets before it is killed. Measured 0.8 s on a
 * 2-core host running 15 other processes; 3 s leaves a margin for slower hosts.
 */
const leavingSeconds = longestExitMs / 1000;

export function advanceEnding(before: EndingTime, event: RunEvent): EndingTime {
  switch (event.type) {
    case 'step':
      return { checkpoint: before.checkpoint, slowestStep: Math.max(event.seconds, forgetting * before.slowestStep) };
    case 'checkpoint-saved':
      return { ...before, checkpoint: event.seconds };
    default:
      return before;
  }
}

/** From the moment at which the run is told to end. */
export function endingSeconds({ slowestStep, checkpoint }: EndingTime): number {
  return stepsAhead * slowestStep + checkpoint + leavingSeconds;
}
