/**
 * Every wait in a run ends, and one knob says when: `--timeout` seconds, here T.
 *
 * - heartbeat period = T / 10, and at most 5 s: silence is told from slowness by several missed beats
 * - silence limit    = 0.8 T: a peer that said nothing for so long is lost; the rest of T is for ending cleanly
 * - step deadline    = 0.8 T: a member that has not voted so long after the plan is lost, however often its heart beats
 * - rendezvous       = 0.8 T: the time workers have to arrive and get ready
 * - exit             = T / 10, and at most 3 s: a local worker that has not ended so long after it was told to is killed
 */
export interface Deadlines {
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly stepMs: number;
  readonly rendezvousMs: number;
  readonly exitMs: number;
}

/** @param timeoutSeconds the `--timeout` flag, in seconds, positive. */
export function deadlinesFrom(timeoutSeconds: number): Deadlines {
  const total = timeoutSeconds * 1000;
  return {
    heartbeatMs: Math.min(total / 10, 5000),
    silenceMs: total * 0.8,
    stepMs: total * 0.8,
    rendezvousMs: total * 0.8,
    exitMs: Math.min(total / 10, 3000),
  };
}
