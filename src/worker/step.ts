/** One optimizer step, as a rank sees it. */
import type { Engine } from '../engine/engine.ts';
import type { AllReduce, NonFinite } from '../shared/collectives/collective.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { type EventLoopTurn, eventLoopTurn } from '../shared/core/event-loop-turn.ts';
import { firstBeyond, largestFloat32 } from '../shared/core/first-beyond.ts';
import { nameSamples } from '../shared/core/sample-names.ts';
import { sumOf, sumOfSquares } from '../shared/core/sums.ts';
import { parameterChecksum } from '../shared/model/parameter-checksum.ts';
import type { Assignment } from '../shared/protocol/messages.ts';
import type { CoordinatorLink, GenerationInbox } from './coordinator-link.ts';
import type { ShareGradients } from './share-gradients.ts';
import type { UsageMeter } from './usage-meter.ts';
import type { WorkerObserver } from './worker-observer.ts';

export interface StepContext {
  readonly engine: Pick<Engine, 'getParameters' | 'applyGradients'>;
  // ZeroMQ sends from its vectors without copying. They are free again at the commit, which says that all of them arrived.
  readonly gradients: ShareGradients;
  readonly allReduce: AllReduce;
  /** Whether a hub adds the gradients up, looks at the sum and commits the step. */
  readonly hasHub: boolean;
  readonly link: Pick<CoordinatorLink, 'send'>;
  readonly inbox: Pick<GenerationInbox, 'committed'>;
  readonly usage: UsageMeter;
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

/** What came of a rank's samples of a step. */
export interface StepFigures {
  readonly samples: number;
  readonly lossSum: number;
  readonly correct: number;
  /** It was not finite, and nothing was applied: loss and correct are left at 0. */
  readonly skipped?: true | undefined;
}

/** Carries out the assignments of one generation. */
export function createStepRunner(context: StepContext): (assignment: Assignment) => Promise<StepFigures> {
  const { engine, gradients, allReduce, link, inbox, usage, turn = eventLoopTurn } = context;

  return async function runStep(assignment) {
    const { generation, step, attempt, epoch, from, to, globalBatch } = assignment;
    const indices = context.orderOf(epoch).subarray(from, to);
    const isCompared = step % context.checksumEvery === 0;
    const parametersChecksum = isCompared ? parameterChecksum(await engine.getParameters()) : undefined;
    usage.lap('load');

    const vectors = gradients.vectorsOf(assignment);
    const reduction = allReduce.start({ generation, step, attempt }, vectors);
    const { lossSum, correct } = await gradients.compute(assignment, indices, reduction.ready);
    // Nobody else looks at the gradient of a worker alone before it is applied.
    const nonFinite = context.hasHub ? undefined : findNonFinite(vectors);
    if (!context.skipsNonfinite) {
      const where = () => `at step ${step + 1}, on ${nameSamples(epoch, assignment, indices)}`;
      if (!Number.isFinite(lossSum)) throw diverged(where(), lossSum);
      if (nonFinite !== undefined) throw divergedGradient(where(), nonFinite);
    }
    usage.lap('compute');

    const samples = indices.length;
    const { sum, waitSeconds, bytes } = await reduction.finish(() =>
      link.send({
        type: 'vote',
        generation,
        step,
        attempt,
        samples,
        lossSum,
        correct,
        usage: usage.totals(),
        parametersChecksum,
        gradientSquares:
          isCompared && !context.hasHub && nonFinite === undefined ? sumOf(vectors.map(sumOfSquares)) : undefined,
        nonFinite,
      }),
    );
    let isSkipped = nonFinite !== undefined || !Number.isFinite(lossSum);
    if (context.hasHub) isSkipped = (await inbox.committed({ generation, step, attempt })).skipped;
    // Where orders come sooner than they are carried out, nothing else lets this process hear signals and timers.
    else await turn();
    usage.exchanged(bytes);
    usage.lap('communicate', waitSeconds);

    if (!isSkipped) await engine.applyGradients(sum, globalBatch);
    usage.lap('apply');
    context.observer.stepped(samples, usage.totals().seconds);
    return isSkipped ? { samples, lossSum: 0, correct: 0, skipped: true } : { samples, lossSum, correct };
  };
}

function findNonFinite(vectors: readonly Float32Array[]): NonFinite | undefined {
  for (const vector of vectors) {
    const float = firstBeyond(vector, largestFloat32);
    if (float !== undefined) return { float, value: vector[float] ?? Number.NaN };
  }
  return undefined;
}

function divergedGradient(where: string, { float, value }: NonFinite): PennygradError {
  return new PennygradError('diverged', `the gradient became ${value} ${where}, in float ${float}; try a smaller --lr`);
}

/** @param where as in 'at step 12', which counts from 1 */
export function diverged(where: string, loss: number): PennygradError {
  return new PennygradError('diverged', `the loss became ${loss} ${where}; try a smaller --lr`);
}
