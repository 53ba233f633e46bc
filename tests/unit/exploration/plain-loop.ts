/** What a run must come to: the same steps in a plain loop, with the same engine and nobody else. */
import { epochOrder } from '../../../src/shared/core/sampling.ts';
import type { Dataset } from '../../../src/shared/data/dataset.ts';
import { toyDataset, toyProvider } from '../../support/toy-engine.ts';

/** What is trained. */
export interface Workload {
  readonly epochs: number;
  readonly batchSize: number;
  readonly trainCount: number;
}

/** Two epochs of four steps, the last of them short. */
export const usualWorkload: Workload = { epochs: 2, batchSize: 8, trainCount: 30 };
/** Two epochs of two steps. */
export const smallWorkload: Workload = { epochs: 2, batchSize: 8, trainCount: 14 };

/** An epoch of two steps. */
export const tinyWorkload: Workload = { epochs: 1, batchSize: 8, trainCount: 14 };

/** A test pass is two parts long, of two global batches each. */
export const testCount = 20;
export const seed = 1;
export const model = { name: 'softmax' as const, inputShape: [1, 1, 1] as [number, number, number], classes: 2 };
export const optimizer = { name: 'sgd' as const, learningRate: 0.5 };

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
  const batches: PlainRun['batches'][number][] = [];
  const results: PlainRun['epochs'][number][] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = epochOrder(seed, epoch, trainCount);
    let [lossSum, correct] = [0, 0];
    for (let from = 0; from < trainCount; from += batchSize) {
      const to = Math.min(from + batchSize, trainCount);
      const sums = await engine.computeGradients(order.subarray(from, to), gradients);
      await engine.applyGradients(gradients, to - from);
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
