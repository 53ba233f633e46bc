/** One optimizer step, as a rank sees it. */
import type { AllReduce } from '../shared/collectives/all-reduce.ts';
import type { Clock } from '../shared/core/clock.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { addPhases, noPhaseSeconds, type PhaseSeconds } from '../shared/core/phases.ts';
import type { Engine } from '../shared/engine/engine.ts';
import { parameterChecksum } from '../shared/model/parameter-checksum.ts';
import type { CoordinatorMessage, MessageOf } from '../shared/protocol/messages.ts';
import type { CoordinatorLink } from './coordinator-link.ts';
import type { WorkerObserver } from './worker-observer.ts';

type Plan = MessageOf<CoordinatorMessage, 'plan'>;

export interface StepContext {
  readonly rank: number;
  readonly engine: Engine;
  readonly allReduce: AllReduce;
  readonly link: CoordinatorLink;
  readonly clock: Clock;
  /** Replicas compare parameters on steps divisible by this. */
  readonly checksumEvery: number;
  /** The epoch's sample order. */
  orderOf(epoch: number): Uint32Array;
  readonly observer: Pick<WorkerObserver, 'stepped'>;
}

/** Runs the plans of one generation; keeps the totals of where the time went. */
export function createStepRunner(context: StepContext): (plan: Plan) => Promise<void> {
  const { rank, engine, allReduce, link, clock } = context;
  // ZeroMQ sends from this buffer without copying. It is free again at the commit, which says that all of it arrived.
  const gradients = new Float32Array(engine.parameterCount);
  let totals: PhaseSeconds = noPhaseSeconds;

  return async function runStep(plan) {
    const { generation, step, attempt } = plan;
    const started = clock.now();
    const indices = context.orderOf(plan.epoch).subarray(plan.from, plan.to);
    const checksum =
      step % context.checksumEvery === 0 ? { parametersChecksum: parameterChecksum(await engine.getParameters()) } : {};
    const loaded = clock.now();

    const reduction = allReduce.start({ generation, step, attempt }, gradients);
    const { lossSum, correct } = await engine.computeGradients(indices, gradients, reduction.ready);
    if (!Number.isFinite(lossSum)) throw diverged(`at step ${step}`, lossSum);
    const computed = clock.now();
    totals = addPhases(totals, { ...noPhaseSeconds, load: loaded - started, compute: computed - loaded });

    const { sum, waitSeconds } = await reduction.finish(() =>
      link.send({
        type: 'vote',
        ...{ generation, step, attempt, rank, samples: indices.length, lossSum, correct, phases: totals },
        ...checksum,
      }),
    );
    await link.committed({ generation, step, attempt });
    const reduced = clock.now();

    await engine.applyGradients(sum, plan.globalBatch);
    const communicate = Math.max(0, reduced - computed - waitSeconds);
    totals = addPhases(totals, { ...noPhaseSeconds, communicate, wait: waitSeconds, apply: clock.now() - reduced });
    context.observer.stepped(indices.length, totals);
  };
}

/** @param where as in 'at step 12' */
export function diverged(where: string, loss: number): PennygradError {
  return new PennygradError('diverged', `the loss became ${loss} ${where}; try a smaller --lr`);
}
