/**
 * One generation: a fixed set of members with ranks. It sends them their orders and gathers what they answer.
 * A generation never changes its members; losing one ends every wait with a `MemberLost`. After that the survivors can
 * only be asked for their state, or become members of the next generation.
 */
import type { AllReduceHub, NonFinite } from '../../shared/collectives/collective.ts';
import { type AllReduceName, collectiveFor, collectiveOf } from '../../shared/collectives/registry.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import { nameSamples } from '../../shared/core/sample-names.ts';
import { type Interval, weightedShares } from '../../shared/core/sampling.ts';
import { sumOfSquares } from '../../shared/core/sums.ts';
import type { Applied, Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import { chunkSizes } from '../../shared/protocol/state-chunks.ts';
import type { PeerId } from '../../shared/transport/coordinator-socket.ts';
import type { Activity } from '../membership/liveness.ts';
import type { Activities } from '../membership/membership-state.ts';
import type { Member } from '../membership/worker.ts';
import type { MemberSpent } from '../run-events.ts';
import { type AnsweringModel, checkAnswer, stateLengths } from './answer-check.ts';
import { type Answers, createAnswers } from './answers.ts';
import {
  type Accepted,
  type Answer,
  abortAll,
  acceptAnswer,
  acceptVote,
  assignStep,
  beginGenerationState,
  type CarriedMember,
  commitStep,
  findAttempt,
  findRequest,
  keptBy,
  learnApplied,
  noteContribution,
  noteTransfer,
  offerState,
  openRequest,
  putOffMembers,
  restAll,
  takeOver,
  takeUsage,
  type Vote,
} from './generation-state.ts';
import type { MemberLost } from './member-lost.ts';
import { diverged, type Refusal, stale, wrong } from './refusal.ts';
import { type Answered, type Ask, type Asked, createRequests, type Requests } from './requests.ts';
import { collectState, type IncomingState, type OutgoingState, receiveState, sendStateTo } from './state-transfers.ts';

type From<Type extends WorkerMessage['type']> = MessageOf<WorkerMessage, Type>;
/** Messages that only a member of a generation sends. */
export type MemberMessage = From<'contribute' | 'chunk' | 'taken'> | Vote | Answer;

/** The members that are left after a loss and have the state of all committed steps. */
export type Survivors = Pick<Generation, 'members' | 'parameterCount' | 'reportState' | 'takeSpent'>;

/** What the next generation must know of this one. */
export interface CarriedGeneration {
  readonly members: ReadonlyMap<PeerId, CarriedMember>;
  readonly requestCount: number;
}

export interface Generation extends Requests {
  /** Counts from 1. */
  readonly number: number;
  /** In rank order. */
  readonly members: readonly Member[];
  readonly parameterCount: number;
  /** Samples of a micro-shard, of which shares are whole ones; undefined where shares are of any length. */
  readonly microShard: number | undefined;
  /**
   * Sends every rank its share of a step: positions `batch` of the epoch's order, cut by the ranks' weights.
   * @returns the shares, in rank order
   */
  assign(step: number, epoch: number, batch: Interval, weights: readonly number[]): readonly Interval[];
  /** Every rank's vote for an assigned step, in rank order. */
  votes(step: number): Promise<readonly Vote[]>;
  /**
   * Euclidean norm of the sum of gradients over the samples of a step, once all voted for it; undefined on steps on which
   * replicas do not compare their parameters.
   */
  gradientNorm(step: number): number | undefined;
  /**
   * Whose part of a step is not finite, and on which samples, once all voted for it: no replica may apply it. Undefined where
   * all is finite.
   */
  nonFinite(step: number): string | undefined;
  /** @param skipped nobody applies the step */
  commit(step: number, skipped?: boolean): void;
  /** What members say they have used since this was last asked. Those that said nothing new are left out. */
  takeSpent(): readonly MemberSpent[];
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
   * @param step committed steps: whoever lacks their state has nothing to report
   */
  abort(step: number): Survivors;
  /** What each rank's replica has applied or taken over; undefined where it is as it was made. */
  applied(): readonly (Applied | undefined)[];
  /** Whether every replica is as it was made: none has applied a step, or was sent a state that it may have taken over. */
  isAsMade(): boolean;
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
  readonly allReduce: AllReduceName;
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
  /** Ends the run, and the generation with it. */
  readonly signal: AbortSignal;
  readonly send: (member: Member, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]) => void;
}

/** A request under way: the answers so far, what each rank was told, and states that are on their way in chunks. */
interface PendingRequest {
  readonly answers: Answers<Answered<Answer['type']>>;
  readonly orders: Map<number, Body<CoordinatorMessage>>;
  readonly incoming: Map<number, IncomingState>;
  readonly outgoing: Map<number, OutgoingState>;
}

/** A generation tries a step once: it ends when it loses a member, and the next one tries again. */
const attempt = 0;

export function createGeneration(options: GenerationOptions): Generation {
  const { number: generation, members, model, buckets, microShard, skipNonfinite, clock, before, send } = options;
  const worldSize = members.length;
  const allReduce = collectiveFor(worldSize, options.allReduce);
  const rankOf = new Map(members.map(({ peer, rank }) => [peer, rank] as const));
  const hub: AllReduceHub | undefined = collectiveOf(allReduce).createHub?.({
    worldSize,
    buckets,
    takesNonFinite: skipNonfinite,
    microShard,
  });
  const ballots = new Map<number, Answers<Vote>>();
  const requests = new Map<number, PendingRequest>();
  const sizes = chunkSizes(options.chunkFloats);
  const lost = new Set<PeerId>();
  /** Squares of the floats of each step's gradient, added up bucket by bucket. */
  const squares = new Map<number, number>();
  /** What each rank was assigned of a step. */
  const assigned = new Map<number, { readonly epoch: number; readonly shares: readonly Interval[] }>();
  /** What is not finite of a step, by rank. */
  const nonFinite = new Map<number, Map<number, Problem>>();
  const losing = new AbortController();
  const signal = AbortSignal.any([options.signal, losing.signal]);
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

  const note = (rank: number, activity: Activity) => {
    state = noteTransfer(state, rank, activity, clock.now());
  };

  /** Opens requests to some ranks, which wait for their answers until the signal is aborted. */
  const askUntil = (until: AbortSignal): Ask =>
    function ask<Type extends Answer['type']>(answer: Type, activity: Activity, asked: readonly number[]): Asked<Type> {
      const opened = openRequest(state, answer, asked, activity, clock.now());
      state = opened.state;
      const { request } = opened;
      const pending: PendingRequest = {
        answers: createAnswers(asked.length, until),
        orders: new Map(),
        incoming: new Map(),
        outgoing: new Map(),
      };
      requests.set(request, pending);
      const forget = () => requests.delete(request);
      pending.answers.all.then(forget, forget);

      const post = (rank: number, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]) => {
        const member = members[rank];
        if (member !== undefined) send(member, body, tensors);
      };
      function grant(rank: number, offset: number): void {
        // Receivers may take the last of it when the rank has answered.
        if (state.requests.get(request)?.missing.includes(rank) !== true) return;
        pending.incoming.get(rank)?.grant(offset);
        note(rank, 'checkpoint');
      }
      return {
        request,
        grant,
        order(rank, body, tensors, sink) {
          pending.orders.set(rank, body);
          if (body.type === 'restore') state = offerState(state, rank, body.applied);
          if (pending.outgoing.has(rank)) note(rank, 'checkpoint');
          if (body.type === 'report-state') {
            const lengths = stateLengths(model, body.extent);
            const into = sink ?? collectState(lengths, (offset) => grant(rank, offset));
            const tell = (offset: number) => post(rank, { type: 'taken', request, offset });
            pending.incoming.set(rank, receiveState(lengths, sizes, into, tell));
          }
          post(rank, body, tensors);
        },
        stream(rank, onTaken) {
          const outgoing = sendStateTo(({ offset, floats }, total) => {
            if (outgoing.isIdle()) note(rank, 'checkpoint');
            post(rank, { type: 'chunk', request, total, offset }, [floats]);
          }, onTaken);
          pending.outgoing.set(rank, outgoing);
          return outgoing.send;
        },
        // Only answers of this type are accepted.
        answers: pending.answers.all as unknown as Promise<readonly Answered<Type>[]>,
      };
    };

  /** @returns why the message was refused, if it was */
  function take(accepted: Accepted, then: () => void): Refusal | undefined {
    if ('refusal' in accepted) return accepted.refusal;
    state = accepted.state;
    then();
    return undefined;
  }

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
    if (outcome.kind === 'diverged') return refuseNonFinite(rank, message.step, describeGradient(outcome));
    if (outcome.nonFinite !== undefined) noteNonFinite(rank, message.step, describeGradient(outcome.nonFinite));
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

  function refuseNonFinite(rank: number, step: number, { what, detail }: Problem): Refusal {
    return diverged(`${what} at step ${step + 1}, on ${samplesOf(rank, step)}${detail}`);
  }

  /** Keeps it for the commit. What samples it is on is found out there, for one rank: the order of an epoch takes long. */
  function noteNonFinite(rank: number, step: number, problem: Problem): void {
    const known = nonFinite.get(step) ?? new Map<number, Problem>();
    nonFinite.set(step, known);
    if (!known.has(rank)) known.set(rank, problem);
  }

  function samplesOf(rank: number, step: number): string {
    const { epoch = 0, shares = [] } = assigned.get(step) ?? {};
    const share = shares[rank] ?? { from: 0, to: 0 };
    return nameSamples(epoch, share, options.orderOf?.(epoch).subarray(share.from, share.to));
  }

  function vote(rank: number, message: Vote, tensors: readonly Float32Array[]): Refusal | undefined {
    if (tensors.length > 0)
      return wrong(`a wrong vote for step ${message.step + 1}`, `it must have no tensors, got ${tensors.length}`);
    const { step, gradientSquares } = message;
    if (gradientSquares !== undefined && (hub !== undefined || !isCompared(step)))
      return wrong(`a wrong vote for step ${step + 1}`, `gradientSquares must be left out, got ${gradientSquares}`);
    if (message.nonFinite !== undefined && (hub !== undefined || skipNonfinite !== true))
      return wrong(`a wrong vote for step ${step + 1}`, 'nonFinite must be left out');
    const problem = findProblem(message);
    const terms = {
      nonFinite: problem === undefined || skipNonfinite === true ? undefined : refuseNonFinite(rank, step, problem),
      missingBuckets: hub?.missing(rank, message) ?? 0,
      isCompared: isCompared(step),
    };
    const accepted = acceptVote(state, rank, message, terms, clock.now());
    return take(accepted, () => {
      if (problem !== undefined) noteNonFinite(rank, step, problem);
      if (gradientSquares !== undefined) squares.set(step, gradientSquares);
      ballots.get(step)?.add(rank, message);
    });
  }

  function answer(rank: number, message: Answer, tensors: readonly Float32Array[]): Refusal | undefined {
    const accepted = acceptAnswer(state, rank, message, clock.now());
    if ('refusal' in accepted) return accepted.refusal;
    const request = requests.get(message.request);
    if (request === undefined) return cutOff(message);
    const order = request.orders.get(rank);
    if (order === undefined)
      return wrong(`'${message.type}' to request ${message.request}`, 'it has not been asked yet');
    const arrived = message.type === 'state' ? request.incoming.get(rank)?.end(message, tensors) : undefined;
    if (arrived !== undefined && arrived.kind !== 'arrived') return arrived;
    const problem = checkAnswer(order, message, tensors, model, state.members[rank], arrived);
    if (problem !== undefined) return problem;
    return take(accepted, () => {
      if (order.type === 'restore') state = takeOver(state, rank);
      if (message.type === 'state') state = learnApplied(state, rank, message.step);
      request.answers.add(rank, { message, tensors: arrived?.vectors ?? tensors });
    });
  }

  /** Part of a state that the rank was asked for. */
  function chunk(rank: number, message: From<'chunk'>, tensors: readonly Float32Array[]): Refusal | undefined {
    const found = findRequest(state, rank, message, 'state');
    if ('refusal' in found) return found.refusal;
    const request = requests.get(message.request);
    if (request === undefined) return cutOff(message);
    const incoming = request.incoming.get(rank);
    if (incoming === undefined) return wrong(`'chunk' to request ${message.request}`, 'no state was asked for');
    const refusal = incoming.receive(message, tensors);
    // Whoever may send no more waits for those who are to take it.
    if (refusal === undefined) note(rank, incoming.isFull() ? 'wait' : 'checkpoint');
    return refusal;
  }

  /** The rank has taken part of a state that it is sent. */
  function taken(rank: number, message: From<'taken'>, tensors: readonly Float32Array[]): Refusal | undefined {
    const found = findRequest(state, rank, message, 'restored');
    if ('refusal' in found) return found.refusal;
    const request = requests.get(message.request);
    if (request === undefined) return cutOff(message);
    const what = `a wrong 'taken' of request ${message.request}`;
    if (tensors.length > 0) return wrong(what, `it must have no tensors, got ${tensors.length}`);
    const outgoing = request.outgoing.get(rank);
    if (outgoing === undefined) return wrong(what, 'it was sent no state in chunks');
    const refusal = outgoing.noteTaken(message);
    if (refusal !== undefined) return refusal;
    note(rank, outgoing.isIdle() && !request.orders.has(rank) ? 'wait' : 'checkpoint');
    return undefined;
  }

  function holders(step: number): readonly Member[] {
    return members.filter(({ peer }, rank) => !lost.has(peer) && (state.members[rank]?.applied?.step ?? 0) === step);
  }

  function forgetReduced(step: number): void {
    squares.delete(step);
    assigned.delete(step);
    nonFinite.delete(step);
    hub?.forget({ generation, step, attempt });
  }

  function takeSpent(): readonly MemberSpent[] {
    const { state: after, told } = takeUsage(state);
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
    microShard,

    assign(step, epoch, batch, weights) {
      const shares = weightedShares(batch, weights, microShard);
      const offsets = shares.map(({ from, to }) => ({ from: from - batch.from, to: to - batch.from }));
      hub?.expect({ generation, step, attempt }, offsets);
      const samples = shares.map(({ from, to }) => to - from);
      assigned.set(step, { epoch, shares });
      state = assignStep(state, { generation, step, attempt }, samples, clock.now());
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

    gradientNorm(step) {
      const sum = squares.get(step);
      return sum === undefined ? undefined : Math.sqrt(sum);
    },

    nonFinite(step) {
      const [first, ...others] = [...(nonFinite.get(step) ?? [])].sort(([a], [b]) => a - b);
      if (first === undefined) return undefined;
      const [rank, { what, detail }] = first;
      const also =
        others.length === 0 ? '' : `; ${others.length} other worker${others.length === 1 ? '' : 's'} likewise`;
      return `worker ${members[rank]?.info.workerId} (rank ${rank}): ${what} on ${samplesOf(rank, step)}${detail}${also}`;
    },

    commit(step, skipped = false) {
      ballots.delete(step);
      forgetReduced(step);
      state = commitStep(state, step, clock.now());
      // Without a hub whoever has the sum has applied it.
      if (hub === undefined) return;
      for (const member of members) {
        send(member, { type: 'commit', generation, step, attempt, skipped: skipped ? true : undefined });
      }
    },

    ...createRequests(members, askUntil(signal), sizes),

    takeSpent,

    lose(peer, loss) {
      if (!rankOf.has(peer) || lost.has(peer)) return;
      lost.add(peer);
      losing.abort(loss);
      asking.abort(new PennygradError('quorum-lost', 'one more member was lost'));
    },

    lostCount: () => lost.size,

    holders,

    abort(step) {
      if (!state.isAborted) {
        for (const attempted of state.attempts.keys()) forgetReduced(attempted);
        for (const member of members) if (!lost.has(member.peer)) send(member, { type: 'abort', generation });
        state = restAll(state, clock.now());
      }
      state = abortAll(state);
      asking = new AbortController();
      const asked = holders(step);
      const { reportState } = createRequests(asked, askUntil(asking.signal), sizes);
      return { members: asked, parameterCount: model.parameterCount, reportState, takeSpent };
    },

    applied: () => state.members.map(({ applied }) => applied),

    isAsMade: () => state.members.every(({ applied, offered }) => applied === undefined && offered === undefined),

    carry: () => ({
      requestCount: state.requestCount,
      members: new Map(
        state.members.flatMap(({ usage, usageAt, told, applied, offered }, rank) => {
          const peer = members[rank]?.peer;
          if (peer === undefined || lost.has(peer)) return [];
          return [[peer, { usage, usageAt, told, applied, offered }] as const];
        }),
      ),
    }),

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
          return chunk(rank, message, tensors);
        case 'taken':
          return taken(rank, message, tensors);
        case 'evaluated':
        case 'state':
        case 'predicted':
        case 'restored':
          return answer(rank, message, tensors);
        default:
          return message satisfies never;
      }
    },
  };
}

/**
 * A loss ends the waits of a generation before `abort()` ends its requests. What members send meanwhile was right when they
 * sent it.
 */
function cutOff({ type, request }: Answer | From<'chunk' | 'taken'>): Refusal {
  return stale(`'${type}' to request ${request}, which was cut off`);
}

/** What is not finite: what became of it, and where in it. */
interface Problem {
  readonly what: string;
  readonly detail: string;
}

function describeGradient({ float, value }: NonFinite): Problem {
  return { what: `the gradient became ${value}`, detail: `, in float ${float}` };
}

function findProblem({ lossSum, nonFinite }: Vote): Problem | undefined {
  if (!Number.isFinite(lossSum)) return { what: `the loss became ${lossSum}`, detail: '' };
  return nonFinite === undefined ? undefined : describeGradient(nonFinite);
}
