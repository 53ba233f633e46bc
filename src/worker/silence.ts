/** Whether the coordinator has been silent for too long: a pure decision. Times in seconds of one steady clock. */

export interface Silence {
  /** When the coordinator was last heard. */
  readonly lastHeard: number;
  /** When this was last asked. */
  readonly askedAt: number;
}

export type SilenceDecision =
  | { readonly kind: 'wait'; readonly silence: Silence }
  | { readonly kind: 'lost'; readonly seconds: number };

/**
 * Asked once a period. If it is asked much later than that, this process itself stood still: it computed, or was
 * suspended. What the coordinator has said meanwhile is not read yet, so its silence starts over.
 */
export function judgeSilence(
  { lastHeard, askedAt }: Silence,
  now: number,
  { periodMs, limitMs }: { readonly periodMs: number; readonly limitMs: number },
): SilenceDecision {
  if ((now - askedAt) * 1000 > 2 * periodMs) return { kind: 'wait', silence: { lastHeard: now, askedAt: now } };
  const seconds = now - lastHeard;
  if (seconds * 1000 > limitMs) return { kind: 'lost', seconds };
  return { kind: 'wait', silence: { lastHeard, askedAt: now } };
}
