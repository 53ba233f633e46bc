/** How fast an engine trains a model, on images that nobody has to load. */
import { processorSeconds, systemClock } from '../../shared/core/clock.ts';
import { createRandom } from '../../shared/core/random.ts';
import { medianOf } from '../../shared/core/sums.ts';
import type { Dataset, Split } from '../../shared/data/dataset.ts';
import type { ModelSpec, OptimizerName } from '../../shared/model/model-spec.ts';
import type { EngineProvider } from '../engine.ts';
import { repeatFor, stepper } from '../training-steps.ts';
import type { TrialSpeed } from './decide-engine.ts';

/** A worker's share of the default global batch of `train`. */
const largestBatch = 32;
/** A step of so many milliseconds says enough of a slow engine. */
const longStepMs = 50;
/** Long enough for a runtime to compile what it runs often. */
const measuredSeconds = 0.3;

export async function measureEngine(
  provider: EngineProvider,
  model: ModelSpec,
  optimizer: OptimizerName,
): Promise<TrialSpeed> {
  const dataset = randomDataset(model);
  const engine = await provider.create({ model, optimizer: { name: optimizer, learningRate: 1e-4 }, seed: 1, dataset });
  try {
    for (let size = 1; ; size *= 2) {
      const step = stepper(engine, size, dataset.trainCount);
      // The first step of a size does what is done only once.
      await step();
      const { gradients, apply } = await step();
      if (gradients + apply < longStepMs && size < largestBatch) continue;
      const before = { at: systemClock.now(), used: processorSeconds() };
      const steps = await repeatFor(measuredSeconds, step);
      const coresUsed = (processorSeconds() - before.used) / (systemClock.now() - before.at);
      const milliseconds = steps.map((timed) => timed.gradients + timed.apply);
      const perSecond = (stepMs: number) => Number((size / (stepMs / 1000)).toPrecision(4));
      return {
        samplesPerSecond: perSecond(medianOf(milliseconds)),
        bestSamplesPerSecond: perSecond(Math.min(...milliseconds)),
        coresUsed: engine.threads === undefined ? undefined : Number(coresUsed.toPrecision(3)),
      };
    }
  } finally {
    engine.dispose();
  }
}

/** Speed does not depend on what images show. */
function randomDataset({ inputShape, classes }: ModelSpec): Dataset {
  const random = createRandom(1);
  const [height, width, channels] = inputShape;
  const count = 2 * largestBatch;
  const split: Split = {
    count,
    images: Uint8Array.from({ length: count * height * width * channels }, () => random.integer(256)),
    labels: Uint8Array.from({ length: count }, (_, i) => i % classes),
  };
  return {
    name: 'random images',
    source: 'made for a trial of the engines',
    digest: '',
    sha256: {},
    imageShape: inputShape,
    classes,
    trainCount: count,
    testCount: count,
    train: split,
    test: split,
  };
}
