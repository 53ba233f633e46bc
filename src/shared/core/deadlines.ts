/**
 * Every wait in a run ends, and one setting says when: `--timeout` seconds, here T.
 *
 * - heartbeat period = T / 10, at most 5 s: how often each side pings the other
 * - connection timeout = T / 2: a connection that answers no ping for so long is closed. A ping may leave a whole period
 *   after the peer fell silent, so a frozen peer is known within 0.6 T, before anything that waits for it is overdue
 * - silence limit = 0.8 T: a peer that owes progress and says nothing for so long is lost. The rest of T is for ending
 *   cleanly
 * - step deadline = 0.8 T: a member whose part of a step takes longer is lost
 * - rendezvous = 0.8 T: the time workers have to arrive and get ready, and how long a worker asks for a place
 * - load = 0.4 T: a worker that is not ready so long after its hello gives its place to one that asks for it, which then
 *   has as much time
 * - trial = 0.15 T, at most 20 s: how long a worker tries one engine. It tries three at most, and has time left to load
 * - reach = T / 10, at most 3 s: how long nobody may be found where a worker is to be read by others
 * - answer = 0.4 T: how long a worker that is there may take until it lets others read it: it may compute meanwhile
 * - exit = T / 10, at most 3 s: a local worker that has not ended so long after it was told to is killed. A worker whose
 *   connection has no room has as long to take the news that the run is over
 *
 * Time in which the process that waits stood still does not count (`standstill.ts`).
 */
export interface Deadlines {
  readonly heartbeatMs: number;
  readonly connectionMs: number;
  readonly silenceMs: number;
  readonly stepMs: number;
  readonly rendezvousMs: number;
  readonly loadMs: number;
  readonly trialMs: number;
  readonly reachMs: number;
  readonly answerMs: number;
  readonly exitMs: number;
}

/** The longest that `exitMs` can be, in milliseconds. */
export const longestExitMs = 3000;

/** In milliseconds. */
const longestTrialMs = 20_000;
const longestReachMs = 3000;

/** @param timeoutSeconds the `--timeout` setting, in seconds, positive */
export function deadlinesFrom(timeoutSeconds: number): Deadlines {
  const total = timeoutSeconds * 1000;
  return {
    heartbeatMs: Math.min(total / 10, 5000),
    connectionMs: total / 2,
    silenceMs: total * 0.8,
    stepMs: total * 0.8,
    rendezvousMs: total * 0.8,
    loadMs: total * 0.4,
    trialMs: Math.min(total * 0.15, longestTrialMs),
    reachMs: Math.min(total / 10, longestReachMs),
    answerMs: total * 0.4,
    exitMs: Math.min(total / 10, longestExitMs),
  };
}
