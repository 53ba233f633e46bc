/**
 * What compression does to accuracy: the ranks of a run one after another in this process, with the arithmetic of a run whose
 * workers have even shares (`train --balance off`). All replicas are equal, so one engine is that of all ranks.
 */
import type { EngineProvider } from '../../engine/engine.ts';
import { addOnto } from '../../shared/collectives/add-onto.ts';
import { gradientBuckets } from '../../shared/collectives/buckets.ts';
import { codecNamed } from '../../shared/collectives/compression/codecs.ts';
import { createErrorFeedback } from '../../shared/collectives/compression/error-feedback.ts';
import { epochOrder, evenShares } from '../../shared/core/sampling.ts';
import type { Dataset } from '../../shared/data/dataset.ts';
import { variableSizes } from '../../shared/model/training-state.ts';

export interface AccuracyOptions {
  readonly provider: EngineProvider;
  readonly dataset: Dataset;
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly worldSize: number;
  /** As `--compress` takes it. */
  readonly compress: string;
}

/** @returns the accuracy on the test split after the last epoch, from 0 to 1 */
export async function trainedAccuracy(options: AccuracyOptions): Promise<number> {
  const { provider, dataset, seed, epochs, batchSize, worldSize } = options;
  const { imageShape, classes, trainCount, testCount } = dataset;
  const engine = await provider.create({
    model: { name: 'cnn', inputShape: imageShape, classes },
    optimizer: { name: 'adam', learningRate: 0.001 },
    seed,
    dataset,
  });
  const buckets = gradientBuckets(variableSizes(engine.artifacts().weightSpecs));
  const codec = codecNamed(options.compress);
  const ranks = Array.from({ length: worldSize }, () => codec && createErrorFeedback(codec, buckets));
  const [sum, gradient, decoded] = [1, 2, 3].map(() => new Float32Array(engine.parameterCount)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = epochOrder(seed, epoch, trainCount);
    for (let from = 0; from < trainCount; from += batchSize) {
      const to = Math.min(from + batchSize, trainCount);
      for (const [rank, share] of evenShares({ from, to }, worldSize).entries()) {
        await engine.computeGradients(order.subarray(share.from, share.to), gradient);
        const feedback = ranks[rank];
        feedback?.begin(to - from);
        for (const [bucket, { from: begin, to: end }] of buckets.entries()) {
          if (feedback === undefined) break;
          const words = feedback.encode(bucket, gradient.subarray(begin, end));
          feedback.codec.decode(words, decoded.subarray(begin, end));
        }
        const part = feedback === undefined ? gradient : decoded;
        if (rank === 0) sum.set(part);
        else addOnto(sum, part);
      }
      await engine.applyGradients(sum, to - from);
      for (const feedback of ranks) feedback?.settle();
    }
  }
  const { correct } = await engine.evaluate('test', 0, testCount);
  engine.dispose();
  return correct / testCount;
}
