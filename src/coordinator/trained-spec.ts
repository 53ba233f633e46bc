import type { TrainingConfig } from '../settings/training-settings.ts';
import type { DatasetInfo } from '../shared/data/dataset.ts';
import type { TrainedSpec } from '../shared/model/model-spec.ts';

/** The model as it fits the dataset, and its optimizer: what workers build and checkpoints name. */
export function trainedSpec(
  { model, optimizer, lr, seed }: TrainingConfig,
  { imageShape, classes }: Pick<DatasetInfo, 'imageShape' | 'classes'>,
): TrainedSpec {
  return {
    model: { name: model, inputShape: imageShape, classes },
    optimizer: { name: optimizer, learningRate: lr },
    seed,
  };
}
