/** What the membership reducer works on: its state, what can happen, and what can be done about it. */

import type { FleetSize } from '../../settings/fleet-size.ts';
import type { LossPolicy } from '../../settings/membership-settings.ts';
import { type Deadlines, deadlinesFrom } from '../../shared/core/deadlines.ts';
import type { ErrorCode, PennygradError } from '../../shared/core/errors.ts';
import type { OptimizerSpec } from '../../shared/model/model-spec.ts';
import type {
  Body,
  CoordinatorMessage,
  GpuReading,
  Identity,
  MessageOf,
  WorkerMessage,
} from '../../shared/protocol/messages.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import type { MemberLost } from '../generation/member-lost.ts';
import type { Wrong } from '../generation/refusal.ts';
import type { RunEvent } from '../run-events.ts';
import type { Activity } from './liveness.ts';
import type { Hello, Ready, Worker } from './worker.ts';
import type { PriceRules } from './worker-price.ts';

export interface MembershipRules extends PriceRules {
  /** Where workers connect, for messages. */
  readonly endpoint: string;
  readonly fleet: FleetSize;
  readonly onLoss: LossPolicy;
  /** Names of the workers that will come, where they are known. */
  readonly expectedIds: readonly string[] | undefined;
  readonly timeoutSeconds: number;
  /** When this process began, in seconds of the run's clock. */
  readonly startedAt: number;
  /** Set on resume: when the accounts were last drawn up, in seconds of the run's clock. What came before is booked. */
  readonly bookedUntil?: number | undefined;
  /** What every worker must train, and the length of its flat parameter vector. */
  readonly identity: Identity;
  readonly parameterCount: number;
  readonly datasetName: string;
  readonly optimizer: OptimizerSpec;
  readonly checksumEvery: number;
  /** Whether parameters must have the same bits for any fleet: then all workers must compute with the same arithmetic. */
  readonly deterministic?: boolean | undefined;
  /** Whether workers are asked to offer their gradients to be read by others. */
  readonly offerVectors?: boolean | undefined;
}

export interface Membership {
  readonly workers: ReadonlyMap<PeerId, Worker>;
  /** When the run began to wait for a generation; undefined before that, and once it has begun. */
  readonly gatheringSince: number | undefined;
  /** What it waits for, in words, as last announced. */
  readonly waitingFor: string | undefined;
  /** Generations that have begun, in earlier sittings of the run too. */
  readonly generations: number;
  /** Members of the last of them, without those that the run has dropped since; undefined before the first. */
  readonly previousSize: number | undefined;
  /** The last member that was lost, and why; undefined while none was. */
  readonly lastLoss: PennygradError | undefined;
  /** Expected workers that will not come back, by name, with what ended each. */
  readonly gone: ReadonlyMap<string, PennygradError>;
  /** What each expected worker was doing when it left or was lost, by its name. */
  readonly departed: ReadonlyMap<string, string>;
  /** When a worker that was ready last gave up its place; undefined while none has. */
  readonly vacatedAt: number | undefined;
  /** Stragglers that the run has told to leave, by name, with the reason. They are not let in again. */
  readonly dropped: ReadonlyMap<string, string>;
  /** Stragglers of which it was said that the run needs them. */
  readonly spared: ReadonlySet<string>;
  /** `numericsKey` of the first worker of a deterministic run, which all that come must share; undefined elsewhere. */
  readonly arithmetic: string | undefined;
}

export const noMembers: Membership = {
  workers: new Map(),
  gatheringSince: undefined,
  waitingFor: undefined,
  generations: 0,
  previousSize: undefined,
  lastLoss: undefined,
  gone: new Map(),
  departed: new Map(),
  vacatedAt: undefined,
  dropped: new Map(),
  spared: new Set(),
  arithmetic: undefined,
};

export type MembershipInput =
  | { readonly type: 'hello'; readonly peer: PeerId; readonly hello: Hello }
  | { readonly type: 'ready'; readonly peer: PeerId; readonly ready: Ready }
  | { readonly type: 'drain'; readonly peer: PeerId; readonly reason: string }
  | { readonly type: 'leave'; readonly peer: PeerId; readonly leave: Body<MessageOf<WorkerMessage, 'leave'>> }
  /** When messages of workers came last, since this was last told. Must come before whatever judges silence. */
  | { readonly type: 'heard'; readonly at: ReadonlyMap<PeerId, number> }
  /** That it came, `heard` tells. */
  | {
      readonly type: 'heartbeat';
      readonly peer: PeerId;
      readonly gpu: GpuReading | undefined;
      /** Workers whose gradients it waits for; undefined while it waits for none. */
      readonly awaited?: readonly string[] | undefined;
    }
  /** Frames that are no message; `version` is the sender's protocol version, where that is what differs. */
  | { readonly type: 'garbled'; readonly peer: PeerId; readonly detail: string; readonly version: string | undefined }
  /** A member of the generation sent what no member sends. */
  | { readonly type: 'misbehaved'; readonly peer: PeerId; readonly refusal: Wrong }
  /** The connection is gone, or takes nothing. */
  | { readonly type: 'unreachable'; readonly peer: PeerId; readonly reason: string }
  /** Its parent says that the worker's process has ended before its time, and whether it will be started again. */
  | {
      readonly type: 'exited';
      readonly workerId: string;
      readonly cause: 'killed' | 'exited';
      readonly reason: string;
      readonly code: ErrorCode;
      readonly returns: boolean;
    }
  /** A member is a straggler, and slower than the run puts up with. */
  | { readonly type: 'drop'; readonly workerId: string; readonly reason: string }
  /** This process did not listen for so many seconds. */
  | { readonly type: 'stood-still'; readonly seconds: number }
  /** The run begins to wait for its first generation, or for another one. */
  | { readonly type: 'gather' }
  /** Time has passed. */
  | { readonly type: 'tick' };

export type MembershipEffect =
  | { readonly type: 'send'; readonly peer: PeerId; readonly body: Body<CoordinatorMessage> }
  | { readonly type: 'announce'; readonly event: RunEvent }
  /** A worker is gone. If it is a member of the generation, that is over. */
  | { readonly type: 'lost'; readonly peer: PeerId; readonly loss: MemberLost }
  /** A generation begins with these workers, in rank order. */
  | { readonly type: 'begin'; readonly workers: readonly Worker[]; readonly reason: string }
  /** The run cannot go on. */
  | { readonly type: 'fail'; readonly error: PennygradError };

export interface MembershipStep {
  readonly state: Membership;
  readonly effects: readonly MembershipEffect[];
}

/** What the members of a generation are doing, by peer. */
export type Activities = ReadonlyMap<PeerId, { readonly activity: Activity; readonly since: number }>;

/** What a worker is doing: a generation knows of its members, everybody else loads or waits. */
export function activityOf(
  worker: Worker,
  activities: Activities,
): { readonly activity: Activity; readonly since: number } {
  const { peer, ready, since } = worker;
  return activities.get(peer) ?? { activity: ready === undefined ? 'load' : 'rendezvous', since };
}

export function unchanged(state: Membership): MembershipStep {
  return { state, effects: [] };
}

/** The worker sent something. */
export function hear(state: Membership, peer: PeerId, now: number): Membership {
  return hearAll(state, new Map([[peer, now]]));
}

/** @param at when each worker last sent something. Peers that are no workers are left out */
export function hearAll(state: Membership, at: ReadonlyMap<PeerId, number>): Membership {
  let workers: Map<PeerId, Worker> | undefined;
  for (const [peer, lastHeard] of at) {
    const worker = state.workers.get(peer);
    if (worker === undefined || worker.lastHeard >= lastHeard) continue;
    workers ??= new Map(state.workers);
    workers.set(peer, { ...worker, lastHeard });
  }
  return workers === undefined ? state : { ...state, workers };
}

export function withWorker(state: Membership, worker: Worker): Membership {
  return { ...state, workers: new Map(state.workers).set(worker.peer, worker) };
}

export function without(state: Membership, worker: Worker, now: number): Membership {
  const workers = new Map([...state.workers].filter(([peer]) => peer !== worker.peer));
  return { ...state, workers, vacatedAt: worker.ready === undefined ? state.vacatedAt : now };
}

/** The worker has gone in this phase. Only expected names are kept: strangers could have any number. */
export function withDeparted(
  { expectedIds = [] }: MembershipRules,
  state: Membership,
  worker: Worker,
  phase: string,
  now: number,
): Membership {
  const { workerId } = worker.info;
  const { previousSize } = state;
  // Nobody waits for another in the place of a member that the run itself has sent away.
  const isMissed = previousSize === undefined || worker.rank === undefined || !state.dropped.has(workerId);
  const rest = without({ ...state, previousSize: isMissed ? previousSize : previousSize - 1 }, worker, now);
  return expectedIds.includes(workerId) ? { ...rest, departed: new Map(rest.departed).set(workerId, phase) } : rest;
}

/** As `decideQuorum` sees a worker. */
export function candidateOf({ info: { workerId }, ready, draining, rank }: Worker) {
  const state = draining ? 'draining' : ready === undefined ? 'joined' : 'ready';
  return { workerId, state, isMember: rank !== undefined } as const;
}

export function announce(event: RunEvent): MembershipEffect {
  return { type: 'announce', event };
}

/** A message that is understood but has no place. */
export function reject(reason: string, detail: string): MembershipEffect {
  return announce({ type: 'frame-rejected', reason, detail });
}

export function deadlinesOf({ timeoutSeconds }: MembershipRules): Deadlines {
  return deadlinesFrom(timeoutSeconds);
}
