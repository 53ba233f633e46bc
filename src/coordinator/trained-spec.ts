import { outerUpdate, type TrainingConfig } from '../settings/training-settings.ts';
import type { DatasetInfo } from '../shared/data/dataset.ts';
import { requireModelFits } from '../shared/model/model-fit.ts';
import type { TrainedSpec } from '../shared/model/model-spec.ts';

/**
 * The model as it fits the dataset, and its optimizer: what workers build and checkpoints name.
 * @throws bad-input if the model cannot take such images
 */
export function trainedSpec(
  { model, optimizer, lr, seed, compress, localSteps, batchSize, outerLr, outerMomentum }: TrainingConfig,
  dataset: Pick<DatasetInfo, 'name' | 'imageShape' | 'classes'>,
): TrainedSpec {
  const spec = { name: model, inputShape: dataset.imageShape, classes: dataset.classes };
  requireModelFits(spec, dataset);
  const local =
    localSteps === 1
      ? undefined
      : {
          batchSize,
          learningRate: outerLr ?? outerUpdate.learningRate,
          momentum: outerMomentum ?? outerUpdate.momentum,
        };
  return {
    model: spec,
    optimizer: { name: optimizer, learningRate: lr, local, compression: compress === 'none' ? undefined : compress },
    seed,
  };
}
