/** What a run must come to: the same steps in a plain loop, with the same engine and nobody else. */
import { epochOrder } from '../../../src/shared/core/sampling.ts';
import type { Dataset } from '../../../src/shared/data/dataset.ts';
import type { OptimizerSpec } from '../../../src/shared/model/model-spec.ts';
import { toyDataset, toyProvider } from '../../support/toy-engine.ts';

/** What is trained. */
export interface Workload {
  readonly epochs: number;
  readonly batchSize: number;
  readonly trainCount: number;
  /**
   * Each worker makes one update of its own in a step, so that all come to the same whatever their shares are; the outer update
   * has momentum.
   */
  readonly isLocal?: true | undefined;
}

/** Two epochs of four steps, the last of them short. */
export const usualWorkload: Workload = { epochs: 2, batchSize: 8, trainCount: 30 };
/** Two epochs of two steps. */
export const smallWorkload: Workload = { epochs: 2, batchSize: 8, trainCount: 14 };

export const localWorkload: Workload = {
  epochs: 2,
  batchSize: 8,
  trainCount: 30,
  isLocal: true,
};

/** An epoch of two steps. */
export const tinyWorkload: Workload = { epochs: 1, batchSize: 8, trainCount: 14 };

/** A test pass is two parts long, of two global batches each. */
export const testCount = 20;
export const seed = 1;
export const model = { name: 'softmax' as const, inputShape: [1, 1, 1] as [number, number, number], classes: 2 };
export const optimizer = { name: 'sgd' as const, learningRate: 0.5 };
export const outerUpdate = { learningRate: 0.75, momentum: 0.5 };

export function optimizerOf({ isLocal, batchSize }: Workload): OptimizerSpec {
  if (isLocal !== true) return optimizer;
  return {
    name: 'sgd',
    learningRate: 0.5,
    local: { batchSize, learningRate: outerUpdate.learningRate, momentum: outerUpdate.momentum },
  };
}

export function datasetOf({ trainCount }: Workload): Dataset {
  return toyDataset(trainCount);
}

export interface PlainRun {
  /** After so many steps. */
  readonly parameters: readonly Float32Array[];
  /** Positions in the epoch's order, by step. */
  readonly batches: readonly { readonly epoch: number; readonly from: number; readonly to: number }[];
  readonly epochs: readonly { readonly loss: number; readonly accuracy: number; readonly testLoss: number }[];
}

const plainRuns = new Map<Workload, Promise<PlainRun>>();

/** The same for every run of a workload. */
export function plainRunOf(workload: Workload): Promise<PlainRun> {
  const known = plainRuns.get(workload) ?? trainInPlainLoop(workload);
  plainRuns.set(workload, known);
  return known;
}

async function trainInPlainLoop(workload: Workload): Promise<PlainRun> {
  const { epochs, batchSize, trainCount } = workload;
  const engine = await toyProvider().create({ dataset: datasetOf(workload), model, optimizer, seed });
  const gradients = new Float32Array(engine.parameterCount);
  const parameters = [await engine.getParameters()];
  const outer = createOuterLoop(parameters[0] as Float32Array);
  const batches: PlainRun['batches'][number][] = [];
  const results: PlainRun['epochs'][number][] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = epochOrder(seed, epoch, trainCount);
    let [lossSum, correct] = [0, 0];
    for (let from = 0; from < trainCount; from += batchSize) {
      const to = Math.min(from + batchSize, trainCount);
      const sums = await engine.computeGradients(order.subarray(from, to), gradients);
      await engine.applyGradients(gradients, to - from);
      if (workload.isLocal === true) await engine.setParameters(outer(await engine.getParameters()));
      parameters.push(await engine.getParameters());
      batches.push({ epoch, from, to });
      lossSum += sums.lossSum;
      correct += sums.correct;
    }
    const tested = await engine.evaluate('test', 0, testCount);
    results.push({
      loss: lossSum / trainCount,
      accuracy: correct / trainCount,
      testLoss: tested.lossSum / testCount,
    });
  }
  return { parameters, batches, epochs: results };
}

/** SGD with Nesterov momentum on how far the parameters moved, in double precision. @returns where it goes on from there */
function createOuterLoop(start: Float32Array): (moved: Float32Array) => Float32Array {
  const { learningRate, momentum } = outerUpdate;
  const parameters = [...start];
  const moments = parameters.map(() => 0);
  return (moved) => {
    for (const [i, value] of parameters.entries()) {
      const gradient = value - (moved[i] ?? Number.NaN);
      moments[i] = momentum * (moments[i] ?? 0) + gradient;
      parameters[i] = value - learningRate * (gradient + momentum * moments[i]);
    }
    return Float32Array.from(parameters);
  };
}
