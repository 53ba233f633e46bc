/** How a worker is lost, and what that means for the run. Pure transitions. */
import type { LossCause } from '../../economics/record/interruption.ts';
import { formatFleetSize } from '../../settings/fleet-size.ts';
import { type ErrorCode, PennygradError } from '../../shared/core/errors.ts';
import type { Body, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import { MemberLost } from '../generation/member-lost.ts';
import { refuse } from './admission.ts';
import { versionMismatch } from './handshake.ts';
import {
  type Activities,
  activityOf,
  announce,
  type Membership,
  type MembershipEffect,
  type MembershipInput,
  type MembershipRules,
  type MembershipStep,
  unchanged,
  withDeparted,
  withWorker,
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
  const isInterrupted = code === 'interrupted';
  const error = new PennygradError(isInterrupted ? 'quorum-lost' : code, message);
  return remove(rules, state, worker, { cause: isInterrupted ? 'left' : 'failed', phase, reason, error, now });
}

export function garbled(
  rules: MembershipRules,
  state: Membership,
  { peer, detail, version }: Extract<MembershipInput, { type: 'garbled' }>,
  activities: Activities,
  now: number,
): MembershipStep {
  const worker = state.workers.get(peer);
  if (worker !== undefined) {
    const told = `it sent something that is not understood: ${detail}`;
    return expel(rules, state, worker, told, activities, now, 'run-failed');
  }
  // A stranger would not understand an answer either, unless only its version differs.
  return version === undefined
    ? unchanged(state)
    : { state, effects: refuse(peer, 'of another version', versionMismatch(version)) };
}

/** What a member that sends wrong messages has done to the run is not known, so the run ends. */
export function expel(
  rules: MembershipRules,
  state: Membership,
  worker: Worker | undefined,
  reason: string,
  activities: Activities,
  now: number,
  code: ErrorCode,
): MembershipStep {
  return lose({ ...rules, onLoss: 'fail' }, state, worker, { cause: 'misbehaved', reason, code }, activities, now);
}

/** How a worker was lost. */
export interface Loss {
  readonly cause: LossCause;
  readonly reason: string;
  /** What the run ends with if it cannot go on; quorum-lost unless given. */
  readonly code?: ErrorCode;
}

export function lose(
  rules: MembershipRules,
  state: Membership,
  worker: Worker | undefined,
  { cause, reason, code = 'quorum-lost' }: Loss,
  activities: Activities,
  now: number,
): MembershipStep {
  if (worker === undefined) return unchanged(state);
  const { activity } = activityOf(worker, activities);
  const message = `${describeWorker(worker)} was lost in phase ${activity}: ${reason}`;
  const error = new PennygradError(code, message);
  return remove(rules, state, worker, { cause, phase: activity, reason, error, now });
}

interface Departure {
  readonly cause: LossCause;
  /** What the worker was doing. */
  readonly phase: string;
  readonly reason: string;
  readonly error: PennygradError;
  readonly now: number;
}

/** Another may take the place. If the worker is a member of a generation, that is over. */
function remove(
  rules: MembershipRules,
  state: Membership,
  worker: Worker,
  { cause, phase, reason, error, now }: Departure,
): MembershipStep {
  const lost = announce({ type: 'worker-lost', workerId: worker.info.workerId, reason, cause });
  const after = withDeparted(rules, state, worker, phase, now);
  // Whoever waits to join is not missed.
  if (worker.rank === undefined) return { state: after, effects: [lost] };
  const loss = { type: 'lost', peer: worker.peer, loss: new MemberLost(error.message) } as const;
  return {
    state: { ...after, lastLoss: error },
    effects: endsRun(rules, error) ? [lost, loss, { type: 'fail', error }] : [lost, loss],
  };
}

/** The others would come to the same loss, or cannot be told anything else either. */
function endsRun({ onLoss }: MembershipRules, { code }: PennygradError): boolean {
  return onLoss === 'fail' || code === 'diverged' || code === 'bad-input';
}

/** The worker wants to leave. One that is no member may go at once; a member finishes the step in flight first. */
export function drain(
  rules: MembershipRules,
  state: Membership,
  { peer, reason }: Extract<MembershipInput, { type: 'drain' }>,
  now: number,
): MembershipStep {
  const worker = state.workers.get(peer);
  if (worker === undefined || worker.draining) return unchanged(state);
  const isAtWork = worker.rank !== undefined && state.gatheringSince === undefined;
  if (!isAtWork) return release(rules, state, worker, reason, now);
  const { workerId } = worker.info;
  return {
    state: withWorker(state, { ...worker, draining: true }),
    effects: [announce({ type: 'worker-draining', workerId, reason })],
  };
}

/**
 * The worker is too slow: it finishes the step in flight and leaves, as if it wanted to, and is not let in again. The run
 * keeps it where fewer than MIN would be left, and says so once.
 */
export function drop(
  { fleet }: MembershipRules,
  state: Membership,
  { workerId, reason }: Extract<MembershipInput, { type: 'drop' }>,
): MembershipStep {
  const workers = [...state.workers.values()];
  const worker = workers.find(({ info }) => info.workerId === workerId);
  if (worker?.rank === undefined || worker.draining) return unchanged(state);
  const left = workers.filter((other) => other !== worker && other.ready !== undefined && !other.draining).length;
  if (left >= fleet.min) {
    const dropped = new Map(state.dropped).set(workerId, reason);
    return {
      state: withWorker({ ...state, dropped }, { ...worker, draining: true }),
      effects: [announce({ type: 'worker-draining', workerId, reason })],
    };
  }
  if (state.spared.has(workerId)) return unchanged(state);
  const need = `${left} of at least ${fleet.min} workers would be left (--workers ${formatFleetSize(fleet)})`;
  return {
    state: { ...state, spared: new Set(state.spared).add(workerId) },
    effects: [announce({ type: 'straggler-kept', workerId, reason: `${reason}; ${need}` })],
  };
}

/** Lets go a worker that wanted to leave, or that the run dropped. */
export function release(
  rules: MembershipRules,
  state: Membership,
  worker: Worker,
  reason: string,
  now: number,
): MembershipStep {
  const { workerId } = worker.info;
  const after = withDeparted(rules, state, worker, 'drain', now);
  const dropped = state.dropped.has(workerId) ? true : undefined;
  const told = dropped ? `this worker was dropped: ${reason}` : 'this worker has left it';
  const effects: MembershipEffect[] = [
    { type: 'send', peer: worker.peer, body: { type: 'stop', outcome: 'completed', reason: told } },
    announce({ type: 'worker-drained', workerId, reason, dropped }),
  ];
  if (worker.rank === undefined) return { state: after, effects };
  const loss = new MemberLost(`${describeWorker(worker)} has left: ${reason}`);
  return { state: { ...after, lastLoss: loss }, effects: [...effects, { type: 'lost', peer: worker.peer, loss }] };
}

/** Whoever reports its end had started it, and knows whether it comes back. */
export function exited(
  rules: MembershipRules,
  state: Membership,
  { workerId, cause, reason, code, returns }: Extract<MembershipInput, { type: 'exited' }>,
  activities: Activities,
  now: number,
): MembershipStep {
  const worker = [...state.workers.values()].find(({ info }) => info.workerId === workerId);
  const step = lose(rules, state, worker, { cause, reason, code }, activities, now);
  if (returns) return step;
  // Its connection may be gone already, and its last words heard.
  const phase = worker === undefined ? state.departed.get(workerId) : activityOf(worker, activities).activity;
  const when = phase === undefined ? 'before it joined' : `in phase ${phase}`;
  const error = new PennygradError(code, `worker ${workerId} was lost ${when}: ${reason}`);
  return { ...step, state: { ...step.state, gone: new Map(step.state.gone).set(workerId, error) } };
}
