/**
 * One generation: a fixed set of members with ranks. It sends them their orders and gathers what they answer.
 * A generation never changes its members; losing one ends every wait with a `MemberLost`. After that the survivors can
 * only be asked for their state, or become members of the next generation.
 */
import { setMaxListeners } from 'node:events';
import type { AllReduceHub } from '../../shared/collectives/collective.ts';
import type { Codec } from '../../shared/collectives/compression/codec.ts';
import {
  type AllReduceName,
  type AllReduceOfRun,
  collectiveAtFirst,
  collectiveOf,
} from '../../shared/collectives/registry.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import { type Interval, weightedShares } from '../../shared/core/sampling.ts';
import { sumOf, sumOfSquares } from '../../shared/core/sums.ts';
import { mostAssignedAhead } from '../../shared/protocol/limits.ts';
import type { Applied, Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import { chunkSizes } from '../../shared/protocol/state-chunks.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import type { Activities } from '../membership/membership-state.ts';
import type { Member } from '../membership/worker.ts';
import type { MemberSpent } from '../run-events.ts';
import { type AllReduceChoice, decideAllReduce } from './all-reduce-choice.ts';
import type { AnsweringModel } from './answer-check.ts';
import { type Answers, createAnswers } from './answers.ts';
import {
  type Answer,
  abortAll,
  acceptVote,
  assignStep,
  beginGenerationState,
  type CarriedMember,
  commitStep,
  findAttempt,
  keptBy,
  mayDiffer,
  noteContribution,
  ownSeconds,
  putOffMembers,
  restAll,
  takeUsage,
  type Vote,
} from './generation-state.ts';
import type { MemberLost } from './member-lost.ts';
import { createNonFiniteParts, describeGradient, findProblem } from './non-finite.ts';
import { createOpenRequests } from './open-requests.ts';
import { type Refusal, stale, wrong } from './refusal.ts';
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

export interface Generation extends Omit<Requests, 'link'> {
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
   * Sends every rank its share of a step: positions `batch` of the epoch's order, cut by the ranks' weights.
   * @returns the shares, in rank order
   */
  assign(step: number, epoch: number, batch: Interval, weights: readonly number[]): readonly Interval[];
  /** Every rank's vote for an assigned step, in rank order. */
  votes(step: number): Promise<readonly Vote[]>;
  /** Whether all ranks have voted for a step that is not committed, so that nobody is waited for. */
  isVoted(step: number): boolean;
  /**
   * Euclidean norm of the mean gradient of the last step on which replicas compared their parameters, once all voted for this
   * step: where it became known with this step.
   */
  gradientNorm(step: number): number | undefined;
  /**
   * Whose part of a step is not finite, and on which samples, once all voted for it: no replica may apply it. Undefined where
   * all is finite.
   */
  nonFinite(step: number): string | undefined;
  /** @param skipped nobody applies the step */
  commit(step: number, skipped?: boolean): void;
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

/** A generation tries a step once: it ends when it loses a member, and the next one tries again. */
const attempt = 0;

export function createGeneration(options: GenerationOptions): Generation {
  const { number: generation, members, model, buckets, microShard, skipNonfinite, clock, before, send } = options;
  const worldSize = members.length;
  const keepsResiduals = options.codec !== undefined;
  let allReduce = collectiveAtFirst(worldSize, options.allReduce);
  const rankOf = new Map(members.map(({ peer, rank }) => [peer, rank] as const));
  const hubOf = (name: AllReduceName): AllReduceHub | undefined =>
    collectiveOf(name).createHub?.({
      worldSize,
      buckets,
      takesNonFinite: skipNonfinite,
      codec: options.codec,
      microShard,
    });
  let hub = hubOf(allReduce);
  const ballots = new Map<number, Answers<Vote>>();
  const sizes = chunkSizes(options.chunkFloats);
  const lost = new Set<PeerId>();
  /** Squares of the floats of each step's gradient, added up bucket by bucket; and norms that ranks told with their votes. */
  const [squares, norms] = [new Map<number, number>(), new Map<number, number>()];
  const nonFinite = createNonFiniteParts(members, options.orderOf);
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
      skipNonfinite: skipNonfinite === true ? true : undefined,
    });
  }

  const isCompared = (step: number) => step % options.checksumEvery === 0;

  const openRequests = createOpenRequests({
    members,
    model,
    sizes,
    clock,
    send,
    known: {
      get: () => state,
      set(next) {
        state = next;
      },
    },
  });
  const { askUntil } = openRequests;
  const { link, ...requests } = createRequests(members, askUntil(signal), sizes, keepsResiduals);

  function contribute(
    rank: number,
    message: From<'contribute'>,
    tensors: readonly Float32Array[],
  ): Refusal | undefined {
    const found = findAttempt(state, message, 'a contribution');
    if ('refusal' in found) return found.refusal;
    const what = `a wrong contribution to step ${message.step + 1}`;
    if (hub === undefined) return wrong(what, `${allReduce} has no hub`);
    const outcome = hub.receive(rank, message, tensors, clock.now());
    if (outcome.kind === 'refused') return wrong(what, outcome.reason);
    if (outcome.kind === 'diverged') return nonFinite.refuse(rank, message.step, describeGradient(outcome));
    if (outcome.nonFinite !== undefined) nonFinite.note(rank, message.step, describeGradient(outcome.nonFinite));
    state = noteContribution(state, rank);
    if (outcome.kind !== 'reply') return undefined;
    for (const reply of outcome.replies) {
      const member = members[reply.rank];
      if (member !== undefined) send(member, reply.body, reply.tensors);
    }
    // After they are sent, so that no rank waits for it. All replies have the same sum.
    const sum = outcome.replies[0]?.tensors[0];
    if (sum !== undefined && isCompared(message.step)) {
      squares.set(message.step, (squares.get(message.step) ?? 0) + sumOfSquares(sum));
    }
    return undefined;
  }

  function vote(rank: number, message: Vote, tensors: readonly Float32Array[]): Refusal | undefined {
    if (tensors.length > 0)
      return wrong(`a wrong vote for step ${message.step + 1}`, `it must have no tensors, got ${tensors.length}`);
    const { step, gradientNorm } = message;
    const problem = findProblem(message);
    const terms = {
      nonFinite: problem === undefined || skipNonfinite === true ? undefined : nonFinite.refuse(rank, step, problem),
      missingBuckets: hub?.missing(rank, message) ?? 0,
      isCompared: isCompared(step),
      mayKnowNorm: hub === undefined && isCompared(worldSize === 1 ? step : step - 1),
      mayBeNonFinite: hub === undefined && skipNonfinite === true,
    };
    const accepted = acceptVote(state, rank, message, terms, clock.now());
    if ('refusal' in accepted) return accepted.refusal;
    state = accepted.state;
    if (problem !== undefined) nonFinite.note(rank, step, problem);
    if (gradientNorm !== undefined) norms.set(step, gradientNorm);
    ballots.get(step)?.add(rank, message);
    return undefined;
  }

  function holders(step: number): readonly Member[] {
    return members.filter(({ peer }, rank) => !lost.has(peer) && (state.members[rank]?.applied?.step ?? 0) === step);
  }

  function forgetReduced(step: number): void {
    squares.delete(step);
    norms.delete(step);
    nonFinite.forget(step);
    hub?.forget({ generation, step, attempt });
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
      const choice = await decideAllReduce(options.allReduce, members, buckets, link, keepsResiduals);
      if (choice.allReduce !== allReduce) {
        allReduce = choice.allReduce;
        hub = hubOf(allReduce);
        for (const member of members) send(member, { type: 'exchange', generation, allReduce });
      }
      return choice;
    },

    assign(step, epoch, batch, weights) {
      const shares = weightedShares(batch, weights, microShard);
      const offsets = shares.map(({ from, to }) => ({ from: from - batch.from, to: to - batch.from }));
      hub?.expect({ generation, step, attempt }, offsets);
      const samples = shares.map(({ from, to }) => to - from);
      nonFinite.assign(step, epoch, shares);
      state = assignStep(state, { generation, step, attempt }, samples, hub !== undefined, clock.now());
      ballots.set(step, createAnswers(worldSize, signal));
      const globalBatch = batch.to - batch.from;
      shares.forEach((share, rank) => {
        const member = members[rank];
        if (member === undefined) return;
        const { from, to } = share;
        const offset = microShard === undefined ? undefined : offsets[rank]?.from;
        send(member, { type: 'assign', generation, step, attempt, epoch, from, to, globalBatch, offset });
      });
      return shares;
    },

    votes: (step) => ballots.get(step)?.all ?? Promise.reject(new Error(`votes: step ${step} was not assigned`)),

    isVoted: (step) => ballots.get(step)?.isComplete() === true,

    gradientNorm(step) {
      const sum = squares.get(step);
      if (sum === undefined) return norms.get(step);
      return Math.sqrt(sum) / sumOf(state.attempts.get(step)?.shares ?? []);
    },

    nonFinite: nonFinite.describe,

    commit(step, skipped = false) {
      ballots.delete(step);
      forgetReduced(step);
      for (const member of hub === undefined ? [] : members) {
        send(member, { type: 'commit', generation, step, attempt, skipped: skipped ? true : undefined });
      }
      state = commitStep(state, step, clock.now());
    },

    ...requests,

    takeSpent,

    ownSeconds: (step) => (hub === undefined ? ownSeconds(state, step) : undefined),

    runsAhead: () => hub === undefined,

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
        for (const attempted of state.attempts.keys()) forgetReduced(attempted);
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
          return contribute(rank, message, tensors);
        case 'vote':
          return vote(rank, message, tensors);
        case 'chunk':
          return openRequests.chunk(rank, message, tensors);
        case 'taken':
          return openRequests.taken(rank, message, tensors);
        case 'evaluated':
        case 'state':
        case 'predicted':
        case 'restored':
        case 'linked':
          return openRequests.answer(rank, message, tensors);
        default:
          return message satisfies never;
      }
    },
  };
}
