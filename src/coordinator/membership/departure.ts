/** How a worker is lost, and what that means for the run. Pure transitions. */
import { type ErrorCode, PennygradError } from '../../shared/core/errors.ts';
import type { Body, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import { refuse } from './admission.ts';
import { versionMismatch } from './handshake.ts';
import {
  type Activities,
  activityOf,
  announce,
  type Membership,
  type MembershipInput,
  type MembershipRules,
  type MembershipStep,
  unchanged,
  withDeparted,
} from './membership-state.ts';
import { describeWorker, type Worker } from './worker.ts';

export function leave(
  rules: MembershipRules,
  state: Membership,
  peer: PeerId,
  { code, phase, reason }: Body<MessageOf<WorkerMessage, 'leave'>>,
  now: number,
): MembershipStep {
  const worker = state.workers.get(peer);
  if (worker === undefined) return unchanged(state);
  const message = `${describeWorker(worker)} left during ${phase}: ${reason}`;
  // A worker's Ctrl-C is not the run's: the run lost a member.
  const error = new PennygradError(code === 'interrupted' ? 'quorum-lost' : code, message);
  return remove(rules, state, worker, { phase, reason, error, now });
}

export function garbled(
  rules: MembershipRules,
  state: Membership,
  { peer, reason, detail }: Extract<MembershipInput, { type: 'garbled' }>,
  activities: Activities,
  now: number,
): MembershipStep {
  const worker = state.workers.get(peer);
  if (worker !== undefined) {
    const told = `it sent something that is not understood: ${detail}`;
    return lose(rules, state, worker, told, activities, now, 'run-failed');
  }
  // A stranger would not understand an answer either, unless only its version differs.
  return reason === 'version'
    ? { state, effects: refuse(peer, 'of another version', versionMismatch(detail)) }
    : unchanged(state);
}

export function lose(
  rules: MembershipRules,
  state: Membership,
  worker: Worker | undefined,
  reason: string,
  activities: Activities,
  now: number,
  code: ErrorCode = 'quorum-lost',
): MembershipStep {
  if (worker === undefined) return unchanged(state);
  const { activity } = activityOf(worker, activities);
  const message = `${describeWorker(worker)} was lost in phase ${activity}: ${reason}`;
  return remove(rules, state, worker, { phase: activity, reason, error: new PennygradError(code, message), now });
}

interface Departure {
  /** What the worker was doing. */
  readonly phase: string;
  readonly reason: string;
  readonly error: PennygradError;
  readonly now: number;
}

/** Before a generation begins another may take the place; after that, the generation has lost a member and ends. */
function remove(
  rules: MembershipRules,
  state: Membership,
  worker: Worker,
  { phase, reason, error, now }: Departure,
): MembershipStep {
  const lost = announce({ type: 'worker-lost', workerId: worker.info.workerId, reason });
  return {
    state: withDeparted(rules, state, worker, phase, now),
    effects: state.generations > 0 ? [lost, { type: 'fail', error }] : [lost],
  };
}

export function exited(
  rules: MembershipRules,
  state: Membership,
  { workerId, reason, code }: Extract<MembershipInput, { type: 'exited' }>,
  activities: Activities,
  now: number,
): MembershipStep {
  const worker = [...state.workers.values()].find(({ info }) => info.workerId === workerId);
  const step = lose(rules, state, worker, reason, activities, now, code);
  // Its connection may be gone already, and its last words heard.
  const phase = worker === undefined ? state.departed.get(workerId) : activityOf(worker, activities).activity;
  const when = phase === undefined ? 'before it joined' : `in phase ${phase}`;
  // Nobody will take its place: whoever reports its end had started it.
  const error = new PennygradError(code, `worker ${workerId} was lost ${when}: ${reason}`);
  return { ...step, effects: [...step.effects, { type: 'fail', error }] };
}
