/** One optimizer step, as a rank sees it. */

import type { Engine } from '../engine/engine.ts';
import type { AllReduce } from '../shared/collectives/all-reduce.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { parameterChecksum } from '../shared/model/parameter-checksum.ts';
import type { CoordinatorMessage, MessageOf } from '../shared/protocol/messages.ts';
import type { CoordinatorLink } from './coordinator-link.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { WorkerObserver } from './worker-observer.ts';

type Plan = MessageOf<CoordinatorMessage, 'plan'>;

export interface StepContext {
  readonly rank: number;
  readonly engine: Engine;
  readonly allReduce: AllReduce;
  readonly link: CoordinatorLink;
  readonly stopwatch: Stopwatch;
  /** Replicas compare parameters on steps divisible by this. */
  readonly checksumEvery: number;
  /** The epoch's sample order. */
  orderOf(epoch: number): Uint32Array;
  readonly observer: Pick<WorkerObserver, 'stepped'>;
}

/** Runs the plans of one generation. */
export function createStepRunner(context: StepContext): (plan: Plan) => Promise<void> {
  const { rank, engine, allReduce, link, stopwatch } = context;
  // ZeroMQ sends from this buffer without copying. It is free again at the commit, which says that all of it arrived.
  const gradients = new Float32Array(engine.parameterCount);

  return async function runStep(plan) {
    const { generation, step, attempt } = plan;
    const indices = context.orderOf(plan.epoch).subarray(plan.from, plan.to);
    const checksum =
      step % context.checksumEvery === 0 ? { parametersChecksum: parameterChecksum(await engine.getParameters()) } : {};
    stopwatch.lap('load');

    const reduction = allReduce.start({ generation, step, attempt }, gradients);
    const { lossSum, correct } = await engine.computeGradients(indices, gradients, reduction.ready);
    if (!Number.isFinite(lossSum)) throw diverged(`at step ${step}`, lossSum);
    stopwatch.lap('compute');

    const { sum, waitSeconds } = await reduction.finish(() =>
      link.send({
        type: 'vote',
        generation,
        step,
        attempt,
        rank,
        samples: indices.length,
        lossSum,
        correct,
        spent: stopwatch.totals(),
        ...checksum,
      }),
    );
    await link.committed({ generation, step, attempt });
    stopwatch.lap('communicate', waitSeconds);

    await engine.applyGradients(sum, plan.globalBatch);
    stopwatch.lap('apply');
    context.observer.stepped(indices.length, stopwatch.totals());
  };
}

/** @param where as in 'at step 12' */
export function diverged(where: string, loss: number): PennygradError {
  return new PennygradError('diverged', `the loss became ${loss} ${where}; try a smaller --lr`);
}
