/**
 * One generation: a fixed set of members with ranks. It sends them their orders and gathers what they answer.
 * A generation never changes its members; losing one ends it.
 */
import { createStarReducer } from '../../shared/collectives/star-reducer.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import { spentBetween } from '../../shared/core/phases.ts';
import { type Interval, weightedShares } from '../../shared/core/sampling.ts';
import { parameterChecksum } from '../../shared/model/parameter-checksum.ts';
import type { OptimizerState } from '../../shared/model/training-state.ts';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import { describeMember, type Member } from '../membership/roster.ts';
import type { MemberSpent } from '../run-events.ts';
import { firstOfEachKind, replicaKind } from '../training/replicas.ts';
import { type Collector, createCollector } from './collector.ts';

type From<Type extends WorkerMessage['type']> = MessageOf<WorkerMessage, Type>;
export type Vote = From<'vote'>;
/** Messages that only a member of a generation sends. */
export type MemberMessage = From<'contribute' | 'vote' | 'evaluated' | 'captured' | 'predicted' | 'restored'>;
type Answered<Type extends MemberMessage['type']> = {
  readonly message: From<Type>;
  readonly tensors: readonly Float32Array[];
};

export interface Generation {
  /** In rank order. */
  readonly members: readonly Member[];
  /** The kind of each rank's replica: those of one kind are equal bit for bit. */
  readonly kinds: readonly string[];
  readonly parameterCount: number;
  /** Sends every rank its share of a step: positions `batch` of the epoch's order, cut by the ranks' weights. */
  plan(step: number, epoch: number, batch: Interval, weights: readonly number[]): void;
  /** Every rank's vote for a planned step, in rank order. */
  votes(step: number): Promise<readonly Vote[]>;
  commit(step: number): void;
  /** Loss and correct predictions over the first `count` samples of a split, shared out over the ranks. */
  evaluate(
    split: 'train' | 'test',
    count: number,
    weights: readonly number[],
  ): Promise<{ readonly lossSum: number; readonly correct: number }>;
  /** Every rank's checksum, in rank order; rank 0's answer also has the state, the first of each kind its parameters. */
  capture(): Promise<readonly Answered<'captured'>[]>;
  /** Gives every rank a checkpoint's state. @throws run-failed, naming a rank that did not take it over */
  restore(state: RestoredState): Promise<void>;
  /** Probabilities of the first `count` test images, from rank 0. */
  predict(count: number): Promise<Float32Array>;
  /** What members say their time went to, since this was last asked. Those that said nothing new are left out. */
  takeSpent(): readonly MemberSpent[];
  /** Takes a member's message; says why if it does not belong here. */
  accept(member: Member, message: MemberMessage, tensors: readonly Float32Array[]): string | undefined;
  /** Ends every wait. */
  fail(error: Error): void;
}

/** What training goes on from. */
export interface RestoredState {
  readonly parameters: Float32Array;
  readonly optimizerState: OptimizerState;
}

export interface GenerationOptions {
  readonly number: number;
  readonly members: readonly Member[];
  readonly parameterCount: number;
  /** In which gradients travel. */
  readonly buckets: readonly Interval[];
  readonly clock: Clock;
  readonly send: (member: Member, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]) => void;
}

export function createGeneration(options: GenerationOptions): Generation {
  const { number: generation, members, parameterCount, clock, send } = options;
  const worldSize = members.length;
  const kinds = members.map(replicaKind);
  const reducer = createStarReducer(worldSize, options.buckets);
  const ballots = new Map<number, Collector<Vote>>();
  let evaluations = 0;
  let evaluation: Collector<From<'evaluated'>> | undefined;
  let captures: Collector<Answered<'captured'>> | undefined;
  let prediction: Collector<Answered<'predicted'>> | undefined;
  let restorations: Collector<From<'restored'>> | undefined;
  let failure: Error | undefined;

  members.forEach((member, rank) => {
    member.rank = rank;
    setDuty(member, 'idle');
    send(member, { type: 'quorum', generation, rank, worldSize });
  });

  function setDuty(member: Member, duty: Member['duty']): void {
    member.duty = duty;
    member.dutySince = clock.now();
  }

  function noteSpent(member: Member, { spent }: Pick<Vote, 'spent'>): void {
    member.spent = spent;
    member.spentAt = clock.now();
  }

  function collect<Answer>(size: number): Collector<Answer> {
    const collector = createCollector<Answer>(size);
    if (failure !== undefined) collector.fail(failure);
    return collector;
  }

  function acceptContribution(message: From<'contribute'>, values: Float32Array | undefined): string | undefined {
    if (!ballots.has(message.step)) return `a contribution to step ${message.step}, which is not under way`;
    if (values === undefined) return 'a contribution without floats';
    const { step, rank, bucket, attempt } = message;
    const contribution = reducer.contribute(step, rank, bucket, values, clock.now());
    if (contribution.kind === 'refused') return contribution.reason;
    if (contribution.kind === 'complete') {
      members.forEach((member, to) => {
        const waited = contribution.waited[to] ?? 0;
        send(member, { type: 'reduced', generation, step, attempt, bucket, waited }, [contribution.sum]);
      });
    }
    return undefined;
  }

  return {
    members,
    kinds,
    parameterCount,

    plan(step, epoch, batch, weights) {
      ballots.set(step, collect(worldSize));
      const globalBatch = batch.to - batch.from;
      weightedShares(batch, weights).forEach((share, rank) => {
        const member = members[rank];
        if (member === undefined) return;
        if (member.duty === 'idle') setDuty(member, 'compute');
        send(member, { type: 'plan', generation, step, attempt: 0, epoch, ...share, globalBatch });
      });
    },

    votes(step) {
      const ballot = ballots.get(step);
      return ballot?.all ?? Promise.reject(new Error(`votes: step ${step} was not planned`));
    },

    commit(step) {
      ballots.delete(step);
      for (const member of members) {
        send(member, { type: 'commit', generation, step, attempt: 0 });
        setDuty(member, ballots.size > 0 ? 'compute' : 'idle');
      }
    },

    async evaluate(split, count, weights) {
      evaluation = collect(worldSize);
      evaluations += 1;
      weightedShares({ from: 0, to: count }, weights).forEach((share, rank) => {
        const member = members[rank];
        if (member === undefined) return;
        setDuty(member, 'evaluate');
        send(member, { type: 'evaluate', evaluation: evaluations, split, ...share });
      });
      const answers = await evaluation.all;
      return {
        lossSum: answers.reduce((sum, { lossSum }) => sum + lossSum, 0),
        correct: answers.reduce((sum, { correct }) => sum + correct, 0),
      };
    },

    async capture() {
      captures = collect(worldSize);
      const firsts = firstOfEachKind(kinds);
      members.forEach((member, rank) => {
        setDuty(member, 'checkpoint');
        const extent = rank === 0 ? 'state' : firsts.includes(rank) ? 'parameters' : 'checksum';
        send(member, { type: 'capture', extent });
      });
      return captures.all;
    },

    async restore({ parameters, optimizerState: { iterations, slots } }) {
      restorations = collect(worldSize);
      for (const member of members) {
        setDuty(member, 'checkpoint');
        send(member, { type: 'restore', optimizerIterations: iterations }, [parameters, ...slots]);
      }
      const expected = parameterChecksum(parameters);
      const answers = await restorations.all;
      const odd = members.find((_, rank) => answers[rank]?.parametersChecksum !== expected);
      if (odd === undefined) return;
      throw new PennygradError('run-failed', `${describeMember(odd)} did not take over the checkpoint's parameters`);
    },

    takeSpent() {
      return members.flatMap((member, rank) => {
        const { spent, spentAt, toldSpent, hello } = member;
        if (spent === toldSpent) return [];
        member.toldSpent = spent;
        return [{ rank, workerId: hello.workerId, at: spentAt, seconds: spentBetween(toldSpent, spent) }];
      });
    },

    async predict(count) {
      prediction = collect(1);
      const [first] = members;
      if (first !== undefined) {
        setDuty(first, 'predict');
        send(first, { type: 'predict', count });
      }
      const [answer] = await prediction.all;
      const [probabilities] = answer?.tensors ?? [];
      if (probabilities === undefined) throw new PennygradError('run-failed', 'rank 0 predicted nothing');
      return probabilities;
    },

    accept(member, message, tensors) {
      const { rank } = member;
      if (rank === undefined) return `${describeMember(member)} is not a member`;
      switch (message.type) {
        case 'contribute':
        case 'vote': {
          if (message.attempt !== 0) return `attempt ${message.attempt} of step ${message.step}, which has had one`;
          if (message.generation !== generation) return `generation ${message.generation}, this is ${generation}`;
          if (message.rank !== rank) return `rank ${message.rank} from ${describeMember(member)}`;
          if (message.type === 'contribute') {
            const refusal = acceptContribution(message, tensors[0]);
            // The deadline is the whole step's: it goes on running.
            if (refusal === undefined && member.duty === 'compute') member.duty = 'communicate';
            return refusal;
          }
          if (ballots.get(message.step)?.offer(rank, message) !== true) {
            return `a vote for step ${message.step}, which is not under way`;
          }
          noteSpent(member, message);
          return undefined;
        }
        case 'evaluated':
          if (message.evaluation !== evaluations || evaluation?.offer(rank, message) !== true) {
            return `evaluation ${message.evaluation}, which is not under way`;
          }
          break;
        case 'captured':
          if (captures?.offer(rank, { message, tensors }) !== true) return 'a state nobody asked for';
          break;
        case 'restored':
          if (restorations?.offer(rank, message) !== true) return 'a restoration nobody asked for';
          break;
        case 'predicted':
          if (rank !== 0 || prediction?.offer(rank, { message, tensors }) !== true)
            return 'predictions nobody asked for';
          break;
        default:
          return message satisfies never;
      }
      noteSpent(member, message);
      setDuty(member, 'idle');
      return undefined;
    },

    fail(error) {
      failure ??= error;
      for (const wait of [...ballots.values(), evaluation, captures, prediction, restorations]) wait?.fail(failure);
    },
  };
}
