/** One optimizer step, as a rank sees it. */
import type { Engine } from '../engine/engine.ts';
import {
  type AllReduce,
  isStepSkipped,
  type NonFinite,
  type Reduced,
  type StepPart,
} from '../shared/collectives/collective.ts';
import type { ErrorFeedback } from '../shared/collectives/compression/error-feedback.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { type EventLoopTurn, eventLoopTurn } from '../shared/core/event-loop-turn.ts';
import { firstBeyond, largestFloat32 } from '../shared/core/first-beyond.ts';
import { nameSamples } from '../shared/core/sample-names.ts';
import { sumOf, sumOfSquares } from '../shared/core/sums.ts';
import { parameterChecksum } from '../shared/model/parameter-checksum.ts';
import type { Assignment } from '../shared/protocol/messages.ts';
import { laterMs } from '../shared/transport/outboxes.ts';
import type { CoordinatorLink } from './coordinator-link.ts';
import type { GenerationInbox } from './generation-inbox.ts';
import type { ShareGradients } from './share-gradients.ts';
import type { UsageMeter } from './usage-meter.ts';
import type { WorkerObserver } from './worker-observer.ts';

export interface StepContext {
  readonly engine: Pick<Engine, 'getParameters' | 'applyGradients'>;
  // ZeroMQ sends from its vectors without copying. With a hub they are free again at the commit: all of them have arrived.
  readonly gradients: ShareGradients;
  readonly allReduce: AllReduce;
  /** What the all-reduce compresses with, if it does. */
  readonly feedback?: Pick<ErrorFeedback, 'begin' | 'settle'> | undefined;
  /** Whether a hub looks at the gradients as it adds them up, and commits the step; otherwise it is applied at once. */
  readonly hasHub: boolean;
  readonly worldSize: number;
  readonly link: Pick<CoordinatorLink, 'send' | 'sendLater' | 'ordersLeft'>;
  readonly inbox: Pick<GenerationInbox, 'committed'>;
  readonly usage: UsageMeter;
  /** The generation is over: what is computed for it has come to nothing. */
  readonly signal: AbortSignal;
  /** Seconds of a steady clock. */
  readonly now: () => number;
  /** Whether a step whose loss or gradient is not finite is skipped; otherwise it ends this worker. */
  readonly skipsNonfinite: boolean;
  /** Replicas compare parameters on steps divisible by this. */
  readonly checksumEvery: number;
  /** The epoch's sample order. */
  orderOf(epoch: number): Uint32Array;
  readonly observer: Pick<WorkerObserver, 'stepped'>;
  /** `eventLoopTurn` unless given. */
  readonly turn?: EventLoopTurn | undefined;
}

/** @returns all ranks' parts of the step; undefined where only the coordinator knows them */
export type StepRunner = (assignment: Assignment) => Promise<readonly StepPart[] | undefined>;

/** For one generation. */
export function createStepRunner(context: StepContext): StepRunner {
  const { engine, gradients, allReduce, link, inbox, usage, turn = eventLoopTurn } = context;
  const isAlone = context.worldSize === 1;
  /** So many vectors of this size add up to a finite sum. */
  const largest = largestFloat32 / context.worldSize;
  /** Votes since the last one that did not wait for another, and when that was. */
  let [waitingVotes, votedAt] = [0, Number.NEGATIVE_INFINITY];
  /** The norm of the mean gradient of the step before, if replicas were compared on that one. */
  let normBefore: number | undefined;

  return async function runStep(assignment) {
    const { generation, step, attempt, epoch, from, to, globalBatch } = assignment;
    const indices = context.orderOf(epoch).subarray(from, to);
    const isCompared = step % context.checksumEvery === 0;
    const parametersChecksum = isCompared ? parameterChecksum(await engine.getParameters()) : undefined;
    usage.lap('load');

    context.feedback?.begin(globalBatch);
    const vectors = gradients.vectorsOf(assignment);
    const reduction = allReduce.start({ generation, step, attempt }, vectors);
    const { lossSum, correct } = await gradients.compute(assignment, indices, reduction.ready, context.signal);
    const nonFinite = context.hasHub ? undefined : findNonFinite(vectors, largest);
    if (!context.skipsNonfinite) {
      const where = () => `at step ${step + 1}, on ${nameSamples(epoch, assignment, indices)}`;
      if (!Number.isFinite(lossSum)) throw diverged(where(), lossSum);
      if (nonFinite !== undefined) throw divergedGradient(where(), nonFinite, context.worldSize);
    }
    usage.lap('compute');

    const samples = indices.length;
    const areFinite = nonFinite === undefined && Number.isFinite(lossSum);
    const normOf = (sum: readonly Float32Array[]) => Math.sqrt(sumOf(sum.map(sumOfSquares))) / globalBatch;
    const gradientNorm = isAlone && isCompared && nonFinite === undefined ? normOf(vectors) : normBefore;
    // Nobody waits for the vote. It leaves before half of the orders are used up, so that more come in time, and before the
    // next step where that may take long: nothing is sent while the engine computes.
    const isSoon = (context.now() - votedAt) * 1000 < laterMs;
    const mayWait = !context.hasHub && isSoon && link.ordersLeft() > waitingVotes;
    if (mayWait) waitingVotes += 1;
    else [waitingVotes, votedAt] = [0, context.now()];
    const send = mayWait ? link.sendLater : link.send;
    const reduced = await reduction.finish({ from, to, lossSum, correct, areFinite }, () =>
      send({
        type: 'vote',
        generation,
        step,
        attempt,
        samples,
        lossSum,
        correct,
        usage: usage.totals(),
        parametersChecksum,
        gradientNorm,
        nonFinite,
      }),
    );
    const { sum, parts, waitSeconds, bytes } = reduced;
    const isSkipped = await decideSkipped(assignment, reduced);
    normBefore = !isAlone && !context.hasHub && isCompared && !isSkipped ? normOf([sum]) : undefined;
    usage.exchanged(bytes);
    usage.lap('communicate', waitSeconds);

    if (!isSkipped) {
      await engine.applyGradients(sum, globalBatch);
      context.feedback?.settle();
    }
    usage.lap('apply');
    context.observer.stepped(samples, usage.totals().seconds);
    return parts;
  };

  /** Whether nobody applies the step: the coordinator's word counts where there is one, and otherwise all ranks' parts. */
  async function decideSkipped({ generation, step, attempt }: Assignment, { parts }: Reduced): Promise<boolean> {
    if (context.hasHub) return (await inbox.committed({ generation, step, attempt })).skipped;
    // Where orders come sooner than they are carried out, nothing else lets this process hear signals and timers.
    await turn();
    return isStepSkipped(parts ?? []);
  }
}

function findNonFinite(vectors: readonly Float32Array[], largest: number): NonFinite | undefined {
  for (const vector of vectors) {
    const float = firstBeyond(vector, largest);
    if (float !== undefined) return { float, value: vector[float] ?? Number.NaN };
  }
  return undefined;
}

function divergedGradient(where: string, { float, value }: NonFinite, worldSize: number): PennygradError {
  if (Number.isFinite(value)) {
    const problem = `the gradient has ${value} ${where}, in float ${float}, and the sum over ${worldSize} workers may overflow`;
    return new PennygradError('diverged', `${problem}; try a smaller --lr`);
  }
  return new PennygradError('diverged', `the gradient became ${value} ${where}, in float ${float}; try a smaller --lr`);
}

/** @param where as in 'at step 12', which counts from 1 */
export function diverged(where: string, loss: number): PennygradError {
  return new PennygradError('diverged', `the loss became ${loss} ${where}; try a smaller --lr`);
}
