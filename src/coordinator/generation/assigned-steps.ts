/** The steps that a generation's members were assigned: their gradients, as far as a hub adds them up, and their votes. */
import type { AllReduceHub } from '../../shared/collectives/collective.ts';
import type { Codec } from '../../shared/collectives/compression/codec.ts';
import { type AllReduceName, collectiveOf } from '../../shared/collectives/registry.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { type Interval, weightedShares } from '../../shared/core/sampling.ts';
import { sumOf, sumOfSquares } from '../../shared/core/sums.ts';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { Member } from '../membership/worker.ts';
import { type Answers, createAnswers } from './answers.ts';
import {
  acceptVote,
  assignStep,
  attemptAt,
  commitStep,
  findAttempt,
  type GenerationState,
  noteContribution,
  type Vote,
} from './generation-state.ts';
import { createNonFiniteParts, describeGradient, findProblem } from './non-finite.ts';
import { type Refusal, wrong } from './refusal.ts';

type Contribution = MessageOf<WorkerMessage, 'contribute'>;

export interface AssignedSteps {
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
  /** Gives up the steps under way. */
  forget(): void;
  /** Each takes a rank's message; says why if it does not. */
  contribute(rank: number, message: Contribution, tensors: readonly Float32Array[]): Refusal | undefined;
  vote(rank: number, message: Vote, tensors: readonly Float32Array[]): Refusal | undefined;
  allReduce(): AllReduceName;
  /** Gradients of the steps to come are summed in this way. */
  exchangeBy(allReduce: AllReduceName): void;
  /** Whether gradients pass through a hub here, which answers with a commit. */
  hasHub(): boolean;
}

export interface AssignedStepsOptions {
  readonly generation: number;
  readonly members: readonly Member[];
  readonly allReduce: AllReduceName;
  readonly buckets: readonly Interval[];
  readonly codec: Codec | undefined;
  readonly microShard: number | undefined;
  readonly skipNonfinite: boolean;
  readonly checksumEvery: number;
  readonly orderOf: ((epoch: number) => Uint32Array) | undefined;
  readonly clock: Pick<Clock, 'now'>;
  /** Ends the wait for votes. */
  readonly signal: AbortSignal;
  readonly send: (member: Member, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]) => void;
  /** What the generation knows of its members. */
  readonly known: {
    readonly get: () => GenerationState;
    readonly set: (state: GenerationState) => void;
  };
}

/** A generation tries a step once: it ends when it loses a member, and the next one tries again. */
const attempt = 0;

export function createAssignedSteps(options: AssignedStepsOptions): AssignedSteps {
  const { generation, members, microShard, skipNonfinite, clock, signal, send, known } = options;
  const worldSize = members.length;
  let { allReduce } = options;
  let hub = createHub(allReduce, worldSize, options);
  const ballots = new Map<number, Answers<Vote>>();
  /** Squares of the floats of each step's gradient, added up bucket by bucket; and norms that ranks told with their votes. */
  const [squares, norms] = [new Map<number, number>(), new Map<number, number>()];
  const nonFinite = createNonFiniteParts(members, options.orderOf);
  const isCompared = (step: number) => step % options.checksumEvery === 0;

  function forgetStep(step: number): void {
    squares.delete(step);
    norms.delete(step);
    nonFinite.forget(step);
    hub?.forget({ generation, step, attempt });
  }

  return {
    assign(step, epoch, batch, weights) {
      const shares = weightedShares(batch, weights, microShard);
      const offsets = shares.map(({ from, to }) => ({ from: from - batch.from, to: to - batch.from }));
      hub?.expect({ generation, step, attempt }, offsets);
      const samples = shares.map(({ from, to }) => to - from);
      nonFinite.assign(step, epoch, shares);
      known.set(assignStep(known.get(), { generation, step, attempt }, samples, hub !== undefined, clock.now()));
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
      return Math.sqrt(sum) / sumOf(attemptAt(known.get(), step)?.shares ?? []);
    },

    nonFinite: nonFinite.describe,

    commit(step, skipped = false) {
      ballots.delete(step);
      forgetStep(step);
      for (const member of hub === undefined ? [] : members) {
        send(member, { type: 'commit', generation, step, attempt, skipped: skipped ? true : undefined });
      }
      known.set(commitStep(known.get(), step, clock.now()));
    },

    forget() {
      for (const { step } of known.get().attempts) forgetStep(step);
    },

    contribute(rank, message, tensors) {
      const found = findAttempt(known.get(), message, 'a contribution');
      if ('refusal' in found) return found.refusal;
      const { step } = message;
      const what = `a wrong contribution to step ${step + 1}`;
      if (hub === undefined) return wrong(what, `${allReduce} has no hub`);
      const outcome = hub.receive(rank, message, tensors, clock.now());
      if (outcome.kind === 'refused') return wrong(what, outcome.reason);
      if (outcome.kind === 'diverged') return nonFinite.refuse(rank, step, describeGradient(outcome));
      if (outcome.nonFinite !== undefined) nonFinite.note(rank, step, describeGradient(outcome.nonFinite));
      known.set(noteContribution(known.get(), rank));
      if (outcome.kind !== 'reply') return undefined;
      for (const reply of outcome.replies) {
        const member = members[reply.rank];
        if (member !== undefined) send(member, reply.body, reply.tensors);
      }
      // After they are sent, so that no rank waits for it. All replies have the same sum.
      const sum = outcome.replies[0]?.tensors[0];
      if (sum !== undefined && isCompared(step)) squares.set(step, (squares.get(step) ?? 0) + sumOfSquares(sum));
      return undefined;
    },

    vote(rank, message, tensors) {
      const { step, gradientNorm } = message;
      if (tensors.length > 0)
        return wrong(`a wrong vote for step ${step + 1}`, `it must have no tensors, got ${tensors.length}`);
      const problem = findProblem(message);
      const terms = {
        nonFinite: problem === undefined || skipNonfinite ? undefined : nonFinite.refuse(rank, step, problem),
        missingBuckets: hub?.missing(rank, message) ?? 0,
        isCompared: isCompared(step),
        mayKnowNorm: hub === undefined && isCompared(worldSize === 1 ? step : step - 1),
        mayBeNonFinite: hub === undefined && skipNonfinite,
      };
      const accepted = acceptVote(known.get(), rank, message, terms, clock.now());
      if ('refusal' in accepted) return accepted.refusal;
      known.set(accepted.state);
      if (problem !== undefined) nonFinite.note(rank, step, problem);
      if (gradientNorm !== undefined) norms.set(step, gradientNorm);
      ballots.get(step)?.add(rank, message);
      return undefined;
    },

    allReduce: () => allReduce,

    exchangeBy(chosen) {
      allReduce = chosen;
      hub = createHub(chosen, worldSize, options);
    },

    hasHub: () => hub !== undefined,
  };
}

function createHub(
  allReduce: AllReduceName,
  worldSize: number,
  { buckets, skipNonfinite, codec, microShard }: AssignedStepsOptions,
): AllReduceHub | undefined {
  return collectiveOf(allReduce).createHub?.({
    worldSize,
    buckets,
    takesNonFinite: skipNonfinite,
    codec,
    microShard,
  });
}
