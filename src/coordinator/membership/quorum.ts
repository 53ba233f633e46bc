/** When a generation may begin, and with whom. A pure decision that says why, after torchft's `quorum_compute`. */
import type { FleetSize } from '../../settings/fleet-size.ts';
import type { LossPolicy } from '../../settings/membership-settings.ts';

export interface Candidate {
  readonly workerId: string;
  /** `joined`: said hello and is loading. `ready`: could begin now. `draining`: is about to leave. */
  readonly state: 'joined' | 'ready' | 'draining';
}

export interface WantedWorkers {
  readonly fleet: FleetSize;
  readonly onLoss: LossPolicy;
  /** The names of the workers that will come, where they are known. */
  readonly expectedIds?: readonly string[] | undefined;
}

export interface Gathering {
  /** Since the run began to wait for a generation. */
  readonly waitedMs: number;
  readonly deadlineMs: number;
  /** Members of the generation before; undefined for the first one. */
  readonly previousSize: number | undefined;
  /** Expected workers that will not come back. */
  readonly gone: readonly string[];
}

export type QuorumDecision =
  /** Begin: `members` in rank order. */
  | { readonly kind: 'begin'; readonly members: readonly string[]; readonly reason: string }
  | { readonly kind: 'wait'; readonly reason: string }
  /** `isHopeless`: nobody could come any more; otherwise the deadline has passed. */
  | { readonly kind: 'give-up'; readonly isHopeless: boolean; readonly reason: string };

export function decideQuorum(
  candidates: readonly Candidate[],
  wanted: WantedWorkers,
  gathering: Gathering,
): QuorumDecision {
  const { fleet } = wanted;
  const named = (state: Candidate['state']) =>
    candidates.flatMap((candidate) => (candidate.state === state ? candidate.workerId : []));
  const [ready, loading] = [named('ready'), named('joined')];
  const possible = wanted.expectedIds === undefined ? fleet.max : wanted.expectedIds.length - gathering.gone.length;
  const isOverdue = gathering.waitedMs >= gathering.deadlineMs;
  const enough = isOverdue ? fleet.min : Math.max(fleet.min, waitedFor(wanted, gathering, possible, loading.length));
  if (ready.length >= enough) {
    // Ranks follow the names, not the order of arrival, so that a run is the same every time it is started.
    const members = ready.sort(byName).slice(0, fleet.max);
    return { kind: 'begin', members, reason: describeMembers(members.length, ready.length >= fleet.max) };
  }
  const asked = isOverdue || gathering.previousSize !== undefined ? enough : fleet.max;
  const reason = describe(ready, loading.sort(byName), asked, wanted, gathering, candidates);
  if (possible < fleet.min) return { kind: 'give-up', isHopeless: true, reason };
  return isOverdue ? { kind: 'give-up', isHopeless: false, reason } : { kind: 'wait', reason };
}

function describeMembers(count: number, areAll: boolean): string {
  if (count === 1) return 'a worker is ready';
  return `${areAll ? 'all ' : ''}${count} workers are ready`;
}

/** How many workers are waited for until the deadline, if no more are needed. */
function waitedFor(
  { fleet, onLoss, expectedIds }: WantedWorkers,
  { previousSize }: Gathering,
  possible: number,
  loading: number,
): number {
  const most = Math.min(fleet.max, possible);
  // A worker that comes later joins then. After a loss nobody waits for it, unless told to.
  if (previousSize !== undefined) return onLoss === 'wait' ? Math.min(previousSize, most) : fleet.min;
  // Strangers may never come, but one that loads will be ready soon.
  return expectedIds === undefined && loading === 0 ? fleet.min : most;
}

function describe(
  ready: readonly string[],
  loading: readonly string[],
  asked: number,
  { expectedIds = [] }: WantedWorkers,
  { gone, previousSize }: Gathering,
  candidates: readonly Candidate[],
): string {
  const missing = asked - ready.length - loading.length;
  const absent = expectedIds.filter((id) => !candidates.some(({ workerId }) => workerId === id));
  const [lost, awaited] = [absent.filter((id) => gone.includes(id)), absent.filter((id) => !gone.includes(id))];
  const never = previousSize === undefined ? 'never arrived' : 'missing';
  return [
    `${ready.length} of ${asked} workers ready`,
    ...(loading.length > 0 ? [`${loading.join(', ')} still loading`] : []),
    ...(lost.length > 0 ? [`${lost.join(', ')} gone for good`] : []),
    ...(missing > 0 && awaited.length > 0 ? [`${awaited.join(', ')} ${never}`] : []),
    ...(missing > 0 && absent.length === 0 ? [`${missing} ${never}`] : []),
  ].join(', ');
}

const byNumber = new Intl.Collator('en', { numeric: true });

/** w2 before w10. */
function byName(a: string, b: string): number {
  return byNumber.compare(a, b);
}

/** Another generation should take the place of the present one at the next step boundary. */
export interface Change {
  readonly reason: string;
  /** No member stays, or fewer workers than a generation needs: what was trained must be saved first. */
  readonly leavesTooFew: boolean;
}

/** Whether one should: a member wants to leave, or a worker is ready and there is a place for it. */
export function findChange(
  candidates: readonly (Candidate & { readonly isMember: boolean })[],
  { min, max }: FleetSize,
): Change | undefined {
  const members = candidates.filter(({ isMember }) => isMember);
  const leaving = members.find(({ state }) => state === 'draining');
  if (leaving !== undefined) {
    const ready = candidates.filter(({ state }) => state === 'ready');
    const leavesTooFew = ready.length < min || !ready.some(({ isMember }) => isMember);
    return { reason: `${leaving.workerId} is about to leave`, leavesTooFew };
  }
  const newcomer = candidates.find(({ state, isMember }) => !isMember && state === 'ready');
  if (newcomer === undefined || members.length >= max) return undefined;
  return { reason: `${newcomer.workerId} is ready to join`, leavesTooFew: false };
}
