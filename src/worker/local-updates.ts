/**
 * Local updates, as in DiLoCo (Douillard et al., 2023, arXiv:2311.08105, algorithm 1): in a step a worker makes several updates
 * on its share, and hands in how far they took its parameters. All workers then make the same outer update, with the mean of
 * that for a gradient and with Nesterov momentum, in PyTorch's form (`torch.optim.SGD`): m ← μ m + g, θ ← θ − η (g + μ m).
 *
 * What the inner optimizer keeps stays with its worker: it is not averaged. A newcomer gets that of a member.
 */
import type { BatchResult, Engine } from '../engine/engine.ts';
import { checkVector } from '../engine/engine-checks.ts';
import { type EventLoopTurn, eventLoopTurn } from '../shared/core/event-loop-turn.ts';
import type { LocalUpdates } from '../shared/model/model-spec.ts';
import type { OptimizerState } from '../shared/model/training-state.ts';
import type { ShareGradients } from './share-gradients.ts';

export interface LocalReplica {
  /**
   * The replica as other workers know it. Its `applyGradients` makes the outer update. What updates of a step that came to
   * nothing have changed, nobody sees: it is put back before anything else is done.
   */
  readonly engine: Engine;
  /** Makes the local updates of a share. The vector is the sum over its samples of how far the parameters moved, negated. */
  readonly gradients: ShareGradients;
}

/** Where a step began. */
interface Start {
  readonly parameters: Float32Array;
  readonly optimizer: OptimizerState;
}

/** @param turn taken between two updates, in which the worker's program hears signals */
export function createLocalReplica(
  inner: Engine,
  { batchSize, learningRate, momentum }: LocalUpdates,
  turn: EventLoopTurn = eventLoopTurn,
): LocalReplica {
  const { parameterCount } = inner;
  const [gradient, movement] = [new Float32Array(parameterCount), new Float32Array(parameterCount)];
  let outerMomentum = new Float32Array(parameterCount);
  /** Set while the inner engine is ahead of what all workers have. */
  let start: Start | undefined;

  async function goBack(): Promise<void> {
    if (start === undefined) return;
    // Engines may keep what they are given.
    await inner.setParameters(start.parameters);
    await inner.setOptimizerState(start.optimizer);
    start = undefined;
  }

  const gradients: ShareGradients = {
    vectorsOf: () => [movement],
    async compute({ globalBatch }, indices, ready, signal) {
      await goBack();
      start = { parameters: await inner.getParameters(), optimizer: await inner.getOptimizerState() };
      let total: BatchResult = { lossSum: 0, correct: 0 };
      for (const batch of cutEvenly(indices, Math.ceil(globalBatch / batchSize))) {
        const { lossSum, correct } = await inner.computeGradients(batch, gradient);
        total = { lossSum: total.lossSum + lossSum, correct: total.correct + correct };
        // Whatever follows is not finite either.
        if (!Number.isFinite(lossSum)) break;
        await inner.applyGradients(gradient, batch.length);
        await turn();
        signal?.throwIfAborted();
      }
      const parameters = await inner.getParameters();
      for (let i = 0; i < parameterCount; i++) {
        movement[i] = ((start.parameters[i] as number) - (parameters[i] as number)) * indices.length;
      }
      ready(0, parameterCount, 0);
      return total;
    },
  };

  const engine: Engine = {
    ...inner,
    async getParameters() {
      return start?.parameters.slice() ?? inner.getParameters();
    },
    async setParameters(parameters) {
      await inner.setParameters(parameters);
      start = undefined;
    },
    async getOptimizerState() {
      const { iterations, slots } = start?.optimizer ?? (await inner.getOptimizerState());
      return { iterations, slots: [...slots, outerMomentum].map((slot) => slot.slice()) };
    },
    async setOptimizerState({ iterations, slots }) {
      const last = slots.at(-1) ?? new Float32Array(0);
      checkVector('outer momenta', last, parameterCount);
      await inner.setOptimizerState({ iterations, slots: slots.slice(0, -1) });
      outerMomentum = last.slice();
    },
    async applyGradients(sum, samples) {
      const parameters = start?.parameters ?? (await inner.getParameters());
      for (let i = 0; i < parameterCount; i++) {
        const mean = (sum[i] as number) / samples;
        const moment = momentum * (outerMomentum[i] as number) + mean;
        outerMomentum[i] = moment;
        parameters[i] = (parameters[i] as number) - learningRate * (mean + momentum * moment);
      }
      await inner.setParameters(parameters);
      start = undefined;
    },
    async evaluate(split, from, to) {
      await goBack();
      return inner.evaluate(split, from, to);
    },
    async predict(images, count) {
      await goBack();
      return inner.predict(images, count);
    },
  };
  return { engine, gradients };
}

/** Consecutive parts, as even as they can be; none of them is empty. */
function cutEvenly(indices: Uint32Array, parts: number): readonly Uint32Array[] {
  const edge = (part: number) => Math.floor((indices.length * part) / parts);
  return Array.from({ length: parts }, (_, part) => indices.subarray(edge(part), edge(part + 1))).filter(
    ({ length }) => length > 0,
  );
}
