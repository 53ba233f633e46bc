/** What a generation is asked for between steps: test passes, states for checkpoints, predictions. */
import { PennygradError } from '../../shared/core/errors.ts';
import { type Interval, weightedShares } from '../../shared/core/sampling.ts';
import { parameterChecksum } from '../../shared/model/parameter-checksum.ts';
import type { TrainingState } from '../../shared/model/training-state.ts';
import type { Applied, Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import type { Activity } from '../membership/liveness.ts';
import { describeWorker, type Member } from '../membership/worker.ts';
import type { Answer } from './generation-state.ts';

/** A member's answer with the tensors that came with it. */
export interface Answered<Type extends Answer['type']> {
  readonly message: MessageOf<WorkerMessage, Type>;
  readonly tensors: readonly Float32Array[];
}

/** What a rank is sent for a request of this number. */
export type Order = (
  request: number,
  rank: number,
) => readonly [body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]];

/** Sends a request to some ranks, and waits for all their answers, which come in rank order. */
export type Ask = <Type extends Answer['type']>(
  answer: Type,
  activity: Activity,
  ranks: readonly number[],
  order: Order,
) => Promise<readonly Answered<Type>[]>;

/** How much a member reports of its replica: the checksum of its parameters, these as well, or all that a checkpoint has. */
export type Extent = MessageOf<CoordinatorMessage, 'report-state'>['extent'];

export interface Requests {
  /** Loss and correct predictions over some samples of a split, shared out over the ranks. */
  evaluate(
    split: 'train' | 'test',
    samples: Interval,
    weights: readonly number[],
  ): Promise<{ readonly lossSum: number; readonly correct: number }>;
  /**
   * Every member's checksum, and more of some.
   * @param extentOf how much a member reports, by its place in the list of members
   */
  reportState(extentOf: (place: number) => Extent): Promise<readonly Answered<'state'>[]>;
  /**
   * Gives some members a state.
   * @throws run-failed, naming a member that did not take it over
   */
  restore(state: TrainingState, applied: Applied, receivers: readonly Member[]): Promise<void>;
  /** Probabilities of the first `count` test images, from rank 0. */
  predict(count: number): Promise<Float32Array>;
}

export function createRequests(members: readonly Member[], ask: Ask): Requests {
  const ranks = members.map(({ rank }) => rank);
  return {
    async evaluate(split, samples, weights) {
      const shares = weightedShares(samples, weights);
      const evaluated = await ask('evaluated', 'evaluate', ranks, (request, rank) => {
        const { from, to } = shares[rank] ?? { from: 0, to: 0 };
        return [{ type: 'evaluate', request, split, from, to }];
      });
      return {
        lossSum: evaluated.reduce((sum, { message }) => sum + message.lossSum, 0),
        correct: evaluated.reduce((sum, { message }) => sum + message.correct, 0),
      };
    },

    reportState: (extentOf) =>
      ask('state', 'checkpoint', ranks, (request, rank) => [
        { type: 'report-state', request, extent: extentOf(ranks.indexOf(rank)) },
      ]),

    async restore({ parameters, optimizer }, applied, receivers) {
      if (receivers.length === 0) return;
      const tensors = [parameters, ...optimizer.slots];
      const restored = await ask(
        'restored',
        'checkpoint',
        receivers.map(({ rank }) => rank),
        (request) => [{ type: 'restore', request, applied, optimizerIterations: optimizer.iterations }, tensors],
      );
      const expected = parameterChecksum(parameters);
      const odd = receivers.find((_, place) => restored[place]?.message.parametersChecksum !== expected);
      if (odd === undefined) return;
      throw new PennygradError(
        'run-failed',
        `${describeWorker(odd)} did not take over the parameters that it was sent`,
      );
    },

    async predict(count) {
      const [answer] = await ask('predicted', 'predict', [0], (request) => [{ type: 'predict', request, count }]);
      const [probabilities] = answer?.tensors ?? [];
      if (probabilities === undefined) throw new PennygradError('run-failed', 'rank 0 predicted nothing');
      return probabilities;
    },
  };
}
