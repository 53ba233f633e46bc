/** When a generation may begin. A pure decision that says why, after torchft's `quorum_compute`. */

export interface Candidate {
  readonly workerId: string;
  /** `joined`: said hello and is loading. `ready`: could begin now. */
  readonly state: 'joined' | 'ready';
}

export interface WantedWorkers {
  readonly worldSize: number;
  readonly expectedIds?: readonly string[] | undefined;
}

export type RendezvousDecision =
  /** Begin: `members` in rank order. */
  | { readonly kind: 'begin'; readonly members: readonly string[]; readonly reason: string }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'give-up'; readonly reason: string };

/**
 * @param wanted how many workers the run was asked to have, and their names where they are known
 * @param waitedMs since the rendezvous began
 */
export function decideRendezvous(
  candidates: readonly Candidate[],
  { worldSize, expectedIds = [] }: WantedWorkers,
  waitedMs: number,
  deadlineMs: number,
): RendezvousDecision {
  const ready = candidates.filter(({ state }) => state === 'ready').map(({ workerId }) => workerId);
  if (ready.length >= worldSize) {
    // Ranks follow the names, not the order of arrival, so that a run is the same every time it is started.
    const members = ready.sort(byName).slice(0, worldSize);
    return { kind: 'begin', members, reason: `all ${worldSize} workers are ready` };
  }
  const loading = candidates.filter(({ state }) => state === 'joined').map(({ workerId }) => workerId);
  const missing = worldSize - ready.length - loading.length;
  const absent = expectedIds.filter((id) => !candidates.some(({ workerId }) => workerId === id));
  const reason = [
    `${ready.length} of ${worldSize} workers ready`,
    ...(loading.length > 0 ? [`${loading.sort(byName).join(', ')} still loading`] : []),
    ...(missing > 0 ? [`${absent.length > 0 ? absent.join(', ') : missing} never arrived`] : []),
  ].join(', ');
  return waitedMs >= deadlineMs ? { kind: 'give-up', reason } : { kind: 'wait', reason };
}

/** w2 before w10. */
function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
