/**
 * One generation: a fixed set of members with ranks. It sends them their orders and gathers what they answer.
 * A generation never changes its members; losing one ends every wait with a `MemberLost`. After that the survivors can
 * only be asked for their state, or become members of the next generation.
 */
import { setMaxListeners } from 'node:events';
import type { Codec } from '../../shared/collectives/compression/codec.ts';
import { type AllReduceOfRun, collectiveAtFirst } from '../../shared/collectives/registry.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import type { Interval } from '../../shared/core/sampling.ts';
import { mostAssignedAhead } from '../../shared/protocol/limits.ts';
import type { Applied, Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import { chunkSizes } from '../../shared/protocol/state-chunks.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import type { Activities } from '../membership/membership-state.ts';
import type { Member } from '../membership/worker.ts';
import type { MemberSpent } from '../run-events.ts';
import { type AllReduceChoice, decideAllReduce } from './all-reduce-choice.ts';
import type { AnsweringModel } from './answer-check.ts';
import { type AssignedSteps, createAssignedSteps } from './assigned-steps.ts';
import {
  type Answer,
  abortAll,
  beginGenerationState,
  type CarriedMember,
  type GenerationState,
  keptBy,
  mayDiffer,
  ownSeconds,
  putOffMembers,
  restAll,
  takeUsage,
  type Vote,
} from './generation-state.ts';
import type { MemberLost } from './member-lost.ts';
import { createOpenRequests } from './open-requests.ts';
import { type Refusal, stale } from './refusal.ts';
import { createRequests, type Requests } from './requests.ts';

type From<Type extends WorkerMessage['type']> = MessageOf<WorkerMessage, Type>;
/** Messages that only a member of a generation sends. */
export type MemberMessage = From<'contribute' | 'chunk' | 'taken'> | Vote | Answer;

/** Members that are left after a loss. */
export type Survivors = Pick<Generation, 'members' | 'parameterCount' | 'keepsResiduals' | 'reportState' | 'takeSpent'>;

/** What the next generation must know of this one. */
export interface CarriedGeneration {
  readonly members: ReadonlyMap<PeerId, CarriedMember>;
  readonly requestCount: number;
}

export interface Generation
  extends Omit<Requests, 'link' | 'measure'>,
    Pick<AssignedSteps, 'assign' | 'votes' | 'isVoted' | 'gradientNorm' | 'nonFinite' | 'commit'> {
  /** Counts from 1. */
  readonly number: number;
  /** In rank order. */
  readonly members: readonly Member[];
  readonly parameterCount: number;
  /** Whether members keep what compression leaves out of their gradients: the last of their slots, each with its own. */
  readonly keepsResiduals: boolean;
  /** Samples of a micro-shard, of which shares are whole ones; undefined where shares are of any length. */
  readonly microShard: number | undefined;
  /** Finds out how gradients are to be summed. To be called once, before the first step. */
  chooseAllReduce(): Promise<AllReduceChoice>;
  /**
   * What members say they have used since this was last asked. Those that said nothing new are left out.
   * @param step only what they had used when they voted for it
   */
  takeSpent(step?: number): readonly MemberSpent[];
  /** What the next step took by the ranks' own clocks, once all voted for it; undefined where they wait for its commit. */
  ownSeconds(step: number): number | undefined;
  /** Whether ranks go on to the next step without the coordinator. */
  runsAhead(): boolean;
  /** What each member is doing. */
  activities(): Activities;
  /** The coordinator did not listen for so many seconds: nobody's time ran. */
  putOff(seconds: number): void;
  /** The peer is no longer there. Ends every wait; also what survivors are asked, since it may be one of them. */
  lose(peer: PeerId, loss: MemberLost): void;
  /** Members that were lost. */
  lostCount(): number;
  /** Members that are left and have the state of so many steps. */
  holders(step: number): readonly Member[];
  /**
   * Aborts the steps and requests under way. To be called again when one more is lost while they are asked.
   * @param step where it is given, only those are asked that have the state of so many steps
   */
  abort(step?: number): Survivors;
  /** Whether a member may have another state than this process takes it to have: only its answer tells. */
  mayDiffer(): boolean;
  /** What each rank's replica has applied or taken over; undefined where it is as it was made. */
  applied(): readonly (Applied | undefined)[];
  /** Whether every replica is as it was made: none has applied a step, or was sent a state that it may have taken over. */
  isAsMade(): boolean;
  /** What the next generation takes over. This one is over, and hears no more of the run. */
  carry(): CarriedGeneration;
  /** Takes a peer's message; says why if it does not. */
  accept(peer: PeerId, message: MemberMessage, tensors: readonly Float32Array[]): Refusal | undefined;
}

export interface GenerationOptions {
  readonly number: number;
  readonly members: readonly Member[];
  readonly model: AnsweringModel;
  /** Replicas compare their parameters on steps divisible by this. */
  readonly checksumEvery: number;
  /** In which gradients travel. */
  readonly buckets: readonly Interval[];
  /** The all-reduce of generations with more than one member. */
  readonly allReduce: AllReduceOfRun;
  /** In which members' gradients travel, if compressed. */
  readonly codec?: Codec | undefined;
  /** Set in a deterministic run: samples of a micro-shard. Shares are whole ones. */
  readonly microShard?: number | undefined;
  /** Whether members may hand in what is not finite, because such a step is skipped; otherwise that ends the run. */
  readonly skipNonfinite?: boolean | undefined;
  /** The order of an epoch's samples, for messages that name images; without it they name positions alone. */
  readonly orderOf?: ((epoch: number) => Uint32Array) | undefined;
  /** The longest chunk of a state that is sent, in floats; `maxChunkFloats` unless given. */
  readonly chunkFloats?: number | undefined;
  readonly clock: Pick<Clock, 'now'>;
  /** The generation before, if there was one. */
  readonly before?: CarriedGeneration | undefined;
  /** Ends the run, and the generation with it unless it was carried over. */
  readonly signal: AbortSignal;
  readonly send: (member: Member, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]) => void;
}

export function createGeneration(options: GenerationOptions): Generation {
  const { number: generation, members, model, buckets, microShard, clock, before, send } = options;
  const worldSize = members.length;
  const skipNonfinite = options.skipNonfinite === true;
  const keepsResiduals = options.codec !== undefined;
  const allReduce = collectiveAtFirst(worldSize, options.allReduce);
  const rankOf = new Map(members.map(({ peer, rank }) => [peer, rank] as const));
  const sizes = chunkSizes(options.chunkFloats);
  const lost = new Set<PeerId>();
  const losing = new AbortController();
  const { signal } = losing;
  // Each step that is under way waits on it, and a few requests. More would be a leak, of which Node warns.
  setMaxListeners(mostAssignedAhead + 10, signal);
  const endWithRun = () => losing.abort(options.signal.reason);
  options.signal.addEventListener('abort', endWithRun);
  if (options.signal.aborted) endWithRun();
  let asking = new AbortController();
  let state = beginGenerationState(
    generation,
    members.map(({ peer, ready }) => before?.members.get(peer) ?? keptBy(ready.kept, clock.now())),
    clock.now(),
    before?.requestCount,
  );

  for (const member of members) {
    send(member, {
      type: 'quorum',
      generation,
      rank: member.rank,
      worldSize,
      allReduce,
      microShard,
      skipNonfinite: skipNonfinite ? true : undefined,
    });
  }

  const known = {
    get: () => state,
    set(next: GenerationState) {
      state = next;
    },
  };
  const steps = createAssignedSteps({
    generation,
    members,
    allReduce,
    buckets,
    codec: options.codec,
    microShard,
    skipNonfinite,
    checksumEvery: options.checksumEvery,
    orderOf: options.orderOf,
    clock,
    signal,
    send,
    known,
  });
  const { assign, votes, isVoted, gradientNorm, nonFinite, commit } = steps;
  const openRequests = createOpenRequests({ members, model, sizes, clock, send, known });
  const { askUntil } = openRequests;
  const { link, measure, ...requests } = createRequests(members, askUntil(signal), sizes, keepsResiduals);

  function holders(step: number): readonly Member[] {
    return members.filter(({ peer }, rank) => !lost.has(peer) && (state.members[rank]?.applied?.step ?? 0) === step);
  }

  function takeSpent(step?: number): readonly MemberSpent[] {
    const { state: after, told } = takeUsage(state, step);
    state = after;
    return told.flatMap(({ rank, at, seconds, bytes }) => {
      const workerId = members[rank]?.info.workerId;
      return workerId === undefined ? [] : [{ workerId, at, seconds, bytes }];
    });
  }

  return {
    number: generation,
    members,
    parameterCount: model.parameterCount,
    keepsResiduals,
    microShard,

    async chooseAllReduce() {
      const choice = await decideAllReduce(options.allReduce, members, buckets, { link, measure }, options.codec);
      if (choice.allReduce !== steps.allReduce()) {
        steps.exchangeBy(choice.allReduce);
        for (const member of members) send(member, { type: 'exchange', generation, allReduce: choice.allReduce });
      }
      return choice;
    },

    assign,
    votes,
    isVoted,
    gradientNorm,
    nonFinite,
    commit,
    ...requests,

    takeSpent,

    ownSeconds: (step) => (steps.hasHub() ? undefined : ownSeconds(state, step)),

    runsAhead: () => !steps.hasHub(),

    lose(peer, loss) {
      if (!rankOf.has(peer) || lost.has(peer)) return;
      lost.add(peer);
      losing.abort(loss);
      asking.abort(new PennygradError('quorum-lost', 'one more member was lost'));
    },

    lostCount: () => lost.size,

    mayDiffer: () => mayDiffer(state),

    holders,

    abort(step) {
      if (!state.isAborted) {
        steps.forget();
        for (const member of members) if (!lost.has(member.peer)) send(member, { type: 'abort', generation });
        state = restAll(state, clock.now());
      }
      state = abortAll(state);
      asking = new AbortController();
      const asked = step === undefined ? members.filter(({ peer }) => !lost.has(peer)) : holders(step);
      const { reportState } = createRequests(asked, askUntil(asking.signal), sizes);
      return { members: asked, parameterCount: model.parameterCount, keepsResiduals, reportState, takeSpent };
    },

    applied: () => state.members.map(({ applied }) => applied),

    isAsMade: () => state.members.every(({ applied, offered }) => applied === undefined && offered === undefined),

    carry() {
      options.signal.removeEventListener('abort', endWithRun);
      return {
        requestCount: state.requestCount,
        members: new Map(
          state.members.flatMap(({ usage, usageAt, told, applied, offered, ahead, behind }, rank) => {
            const peer = members[rank]?.peer;
            if (peer === undefined || lost.has(peer)) return [];
            return [[peer, { usage, usageAt, told, applied, offered, ahead, behind }] as const];
          }),
        ),
      };
    },

    activities: () =>
      new Map(
        state.members.flatMap(({ activity, since }, rank) => {
          const peer = members[rank]?.peer;
          return peer === undefined ? [] : [[peer, { activity, since }] as const];
        }),
      ),

    putOff(seconds) {
      state = putOffMembers(state, seconds, clock.now());
    },

    accept(peer, message, tensors) {
      const rank = rankOf.get(peer);
      if (rank === undefined)
        return stale(`'${message.type}' from a worker that is no member of generation ${generation}`);
      switch (message.type) {
        case 'contribute':
          return steps.contribute(rank, message, tensors);
        case 'vote':
          return steps.vote(rank, message, tensors);
        case 'chunk':
          return openRequests.chunk(rank, message, tensors);
        case 'taken':
          return openRequests.taken(rank, message, tensors);
        case 'evaluated':
        case 'state':
        case 'predicted':
        case 'restored':
        case 'linked':
        case 'measured':
          return openRequests.answer(rank, message, tensors);
        default:
          return message satisfies never;
      }
    },
  };
}
