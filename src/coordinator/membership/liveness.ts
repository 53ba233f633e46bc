/**
 * Finds workers that are stuck although still connected: a pure decision over what each of them is doing. Times in seconds
 * of one steady clock.
 *
 * Dead hosts, dead processes and frozen ones are not found here: their connections break (ZeroMQ pings them from a
 * thread of its own, on both sides, so that a worker that computes for minutes is not taken for a dead one).
 */
import type { Deadlines } from '../../shared/core/deadlines.ts';

/** What a worker is doing, as far as the coordinator knows. */
export type Activity =
  | 'load'
  | 'rendezvous'
  | 'compute'
  | 'communicate'
  | 'wait'
  | 'evaluate'
  | 'checkpoint'
  | 'predict'
  | 'idle';

export interface Signs {
  readonly activity: Activity;
  /** When the activity began. */
  readonly since: number;
  readonly lastHeard: number;
}

/**
 * What is asked for is asked for in parts, and each of them ends within the deadline. The first activity of this list is the
 * first to blame.
 */
const boundedActivities = [
  'compute',
  'communicate',
  'evaluate',
  'checkpoint',
  'predict',
  'wait',
] as const satisfies readonly Activity[];

export interface Loss<Worker> {
  readonly worker: Worker;
  readonly reason: string;
  /** It owes something, and its connection answers. */
  readonly isAlive: boolean;
}

/**
 * A worker that takes longer over one thing than its deadline allows. One that loads, or waits to be asked, only has to keep
 * sending: the rendezvous and every request have deadlines of their own. Of workers that are overdue together the one that
 * still computes is to blame, or else the one whose gradient is not all here: the others wait for them.
 */
export function findStuck<Worker extends Signs>(
  workers: readonly Worker[],
  now: number,
  deadlines: Deadlines,
): Loss<Worker> | undefined {
  const silent = workers.find(
    ({ activity, since, lastHeard }) =>
      !isBounded(activity) && (now - Math.max(since, lastHeard)) * 1000 > deadlines.silenceMs,
  );
  if (silent !== undefined) {
    const reason = `silent for ${(now - silent.lastHeard).toFixed(1)} s, though it is connected`;
    return { worker: silent, reason, isAlive: false };
  }
  const overdue = (activity: Activity) =>
    workers.find((worker) => worker.activity === activity && (now - worker.since) * 1000 > deadlines.stepMs);
  for (const activity of boundedActivities) {
    const stuck = overdue(activity);
    if (stuck === undefined) continue;
    return {
      worker: stuck,
      reason: `no result for ${(now - stuck.since).toFixed(1)} s, though it is alive`,
      isAlive: true,
    };
  }
  return undefined;
}

function isBounded(activity: Activity): boolean {
  return (boundedActivities as readonly Activity[]).includes(activity);
}
