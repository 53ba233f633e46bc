/** One optimizer step, as a rank sees it. */
import type { Engine } from '../engine/engine.ts';
import type { AllReduce } from '../shared/collectives/collective.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { type EventLoopTurn, eventLoopTurn } from '../shared/core/event-loop-turn.ts';
import { firstBeyond, largestFloat32 } from '../shared/core/first-beyond.ts';
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
    if (!Number.isFinite(lossSum)) throw diverged(`at step ${step + 1}`, lossSum);
    usage.lap('compute');

    const samples = indices.length;
    if (!context.hasHub) for (const vector of vectors) requireFinite(vector, step);
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
        gradientSquares: isCompared && !context.hasHub ? sumOf(vectors.map(sumOfSquares)) : undefined,
      }),
    );
    if (context.hasHub) await inbox.committed({ generation, step, attempt });
    // Where orders come sooner than they are carried out, nothing else lets this process hear signals and timers.
    else await turn();
    usage.exchanged(bytes);
    usage.lap('communicate', waitSeconds);

    await engine.applyGradients(sum, globalBatch);
    usage.lap('apply');
    context.observer.stepped(samples, usage.totals().seconds);
    return { samples, lossSum, correct };
  };
}

/** Nobody else looks at the gradient before it is applied. */
function requireFinite(gradients: Float32Array, step: number): void {
  const odd = firstBeyond(gradients, largestFloat32);
  if (odd === undefined) return;
  const problem = `the gradient became ${gradients[odd]} at step ${step + 1}, in float ${odd}`;
  throw new PennygradError('diverged', `${problem}; try a smaller --lr`);
}

/** @param where as in 'at step 12', which counts from 1 */
export function diverged(where: string, loss: number): PennygradError {
  return new PennygradError('diverged', `the loss became ${loss} ${where}; try a smaller --lr`);
}
