/** What a generation is asked for between steps: test passes, states for checkpoints, predictions. */
import { PennygradError } from '../../shared/core/errors.ts';
import { type Interval, weightedShares } from '../../shared/core/sampling.ts';
import { parameterChecksum } from '../../shared/model/parameter-checksum.ts';
import type { TrainingState } from '../../shared/model/training-state.ts';
import type {
  Applied,
  Body,
  CoordinatorMessage,
  MeasuredLink,
  MessageOf,
  RankToRead,
  WorkerMessage,
} from '../../shared/protocol/messages.ts';
import { type Chunk, type ChunkSizes, travelsWhole } from '../../shared/protocol/state-chunks.ts';
import type { Activity } from '../membership/liveness.ts';
import { describeWorker, type Member } from '../membership/worker.ts';
import type { Answer } from './generation-state.ts';
import { type ChunkSink, pumpState } from './state-transfers.ts';

/** A member's answer with the tensors that came with it. */
export interface Answered<Type extends Answer['type']> {
  readonly message: MessageOf<WorkerMessage, Type>;
  readonly tensors: readonly Float32Array[];
}

/** A request to some ranks that is under way. */
export interface Asked<Type extends Answer['type']> {
  readonly request: number;
  /** Sends a rank what it is to do. @param sink where its state goes if it comes in chunks; into memory unless given */
  order(rank: number, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[], sink?: ChunkSink): void;
  /** Sends a rank a state in chunks, before its order. @param onTaken told how many floats it has taken */
  stream(rank: number, onTaken: (offset: number) => void): (chunk: Chunk, total: number) => void;
  /** Tells a rank that so many floats of its state are taken. */
  grant(rank: number, offset: number): void;
  /** In rank order. */
  readonly answers: Promise<readonly Answered<Type>[]>;
}

/** Opens a request to some ranks, each of which is busy with the activity until it answers. */
export type Ask = <Type extends Answer['type']>(
  answer: Type,
  activity: Activity,
  ranks: readonly number[],
) => Asked<Type>;

/**
 * How much a member reports of its replica: the checksum of its parameters, these as well, these and its residual, or all that
 * a checkpoint has.
 */
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
   * Gives some members a state. Its residual, which is that of all members together, goes to the first of them.
   * @throws run-failed, naming a member that did not take it over
   */
  restore(state: TrainingState, applied: Applied, receivers: readonly Member[]): Promise<void>;
  /**
   * Gives some members the state of another, which keeps its residual for itself. One that is too long for a message passes
   * through in chunks: no more than a window of it is held here, and the slowest receiver sets the pace.
   * @throws run-failed, naming a member that did not take it over
   */
  copy(donor: Member, applied: Applied, receivers: readonly Member[]): Promise<void>;
  /** @param offers of all ranks @returns how each reads the others' vectors, or why it cannot, in rank order */
  link(
    offers: readonly RankToRead[],
  ): Promise<readonly Pick<Answered<'linked'>['message'], 'problem' | 'overNetwork'>[]>;
  /**
   * All of these ranks measure their links at once, as a step loads them.
   * @returns what each measured of its own, in rank order; undefined where it came to nothing
   */
  measure(ranks: readonly number[]): Promise<readonly (MeasuredLink | undefined)[]>;
  /** Probabilities of the first `count` test images, from rank 0. */
  predict(count: number): Promise<Float32Array>;
}

/** @param keepsResiduals whether the last slot of a state is a residual */
export function createRequests(
  members: readonly Member[],
  ask: Ask,
  sizes: ChunkSizes,
  keepsResiduals = false,
): Requests {
  const ranks = members.map(({ rank }) => rank);
  return {
    async evaluate(split, samples, weights) {
      const shares = weightedShares(samples, weights);
      const { request, order, answers } = ask('evaluated', 'evaluate', ranks);
      for (const rank of ranks) {
        const { from, to } = shares[rank] ?? { from: 0, to: 0 };
        order(rank, { type: 'evaluate', request, split, from, to });
      }
      const evaluated = await answers;
      return {
        lossSum: evaluated.reduce((sum, { message }) => sum + message.lossSum, 0),
        correct: evaluated.reduce((sum, { message }) => sum + message.correct, 0),
      };
    },

    reportState(extentOf) {
      const { request, order, answers } = ask('state', 'checkpoint', ranks);
      ranks.forEach((rank, place) => {
        order(rank, { type: 'report-state', request, extent: extentOf(place) });
      });
      return answers;
    },

    async restore({ parameters, optimizer }, applied, receivers) {
      const restoring = ask('restored', 'checkpoint', ranksOf(receivers));
      const { request, order, stream } = restoring;
      const vectors = [parameters, ...optimizer.slots];
      const restore = { type: 'restore', request, applied, optimizerIterations: optimizer.iterations } as const;
      for (const [place, { rank }] of receivers.entries()) {
        const ownsResidual = keepsResiduals && place === 0 ? true : undefined;
        const body = { ...restore, ownsResidual } as const;
        if (travelsWhole(vectors, sizes)) {
          order(rank, body, vectors);
          continue;
        }
        const send = stream(rank, (taken) => pump.advance(taken));
        const pump = pumpState(vectors, sizes, send, (stateChecksum) => order(rank, { ...body, stateChecksum }));
        pump.advance(0);
      }
      requireTakenOver(receivers, await restoring.answers, parameterChecksum(parameters));
    },

    async copy(donor, applied, receivers) {
      // They wait for the donor's state.
      const restoring = ask('restored', 'wait', ranksOf(receivers));
      const giving = ask('state', 'checkpoint', [donor.rank]);
      const grant = (offset: number) => giving.grant(donor.rank, offset);
      const body = { type: 'report-state', request: giving.request, extent: 'state' } as const;
      giving.order(donor.rank, body, [], relayTo(receivers, restoring, grant));
      const [given] = await giving.answers;
      const { state, stateChecksum, parametersChecksum } = given?.message ?? {};
      if (given === undefined || state === undefined || parametersChecksum === undefined) {
        throw new PennygradError('run-failed', `${describeWorker(donor)} sent no complete state for the others`);
      }
      const { optimizerIterations } = state;
      const { request } = restoring;
      for (const { rank } of receivers) {
        restoring.order(rank, { type: 'restore', request, applied, optimizerIterations, stateChecksum }, given.tensors);
      }
      requireTakenOver(receivers, await restoring.answers, parametersChecksum);
    },

    async link(offers) {
      const { request, order, answers } = ask('linked', 'checkpoint', ranks);
      for (const rank of ranks) order(rank, { type: 'link', request, ranks: offers });
      return (await answers).map(({ message }) => message);
    },

    async measure(measuring) {
      const { request, order, answers } = ask('measured', 'checkpoint', measuring);
      for (const rank of measuring) order(rank, { type: 'measure', request });
      return (await answers).map(({ message }) => message.link);
    },

    async predict(count) {
      const { request, order, answers } = ask('predicted', 'predict', [0]);
      order(0, { type: 'predict', request, count });
      const [answer] = await answers;
      const [probabilities] = answer?.tensors ?? [];
      if (probabilities === undefined) throw new PennygradError('run-failed', 'rank 0 predicted nothing');
      return probabilities;
    },
  };
}

/** Passes chunks on as they come. Their sender may go on when all receivers have taken them. */
function relayTo(
  receivers: readonly Member[],
  restoring: Asked<'restored'>,
  grant: (offset: number) => void,
): ChunkSink {
  const taken = receivers.map(() => 0);
  let granted = 0;
  const sends = receivers.map(({ rank }, place) =>
    restoring.stream(rank, (offset) => {
      taken[place] = offset;
      const least = Math.min(...taken);
      if (least === granted) return;
      granted = least;
      grant(least);
    }),
  );
  return {
    add(chunk, total) {
      for (const send of sends) send(chunk, total);
    },
    vectors: () => [],
  };
}

function requireTakenOver(receivers: readonly Member[], restored: readonly Answered<'restored'>[], checksum: number) {
  const odd = receivers.find((_, place) => restored[place]?.message.parametersChecksum !== checksum);
  if (odd === undefined) return;
  throw new PennygradError('run-failed', `${describeWorker(odd)} did not take over the parameters that it was sent`);
}

function ranksOf(members: readonly Member[]): readonly number[] {
  return members.map(({ rank }) => rank);
}
