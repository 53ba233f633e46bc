/** Whether training has diverged although every loss is a number. (A loss of NaN or infinity ends the run elsewhere.) */
import { outerUpdate, type TrainingConfig } from '../../settings/training-settings.ts';
import type { EpochEvent } from '../run-events.ts';

/**
 * The largest mean test loss of a model that may have learned something, in nats. A model that gives all classes the same
 * probability has ln(classes), at most 5.5 for 256 classes, and being certain and wrong about an image costs some tens.
 * Only parameters that have grown without bound take the mean over all images to thousands.
 */
export const largestLoss = 10_000;

/**
 * @param tested the end of an epoch: how its model does on the test images. Steps on the way may have any loss, since
 *   training can recover from those
 * @param steps committed so far
 * @returns what happened and what to do, or undefined if training may go on
 */
export function findDivergence(
  { testLoss, epoch }: Pick<EpochEvent, 'testLoss' | 'epoch'>,
  steps: number,
  { lr, outerLr = outerUpdate.learningRate }: Pick<TrainingConfig, 'lr' | 'outerLr'>,
): string | undefined {
  // NaN is not within the limit either.
  if (testLoss <= largestLoss) return undefined;
  return (
    `training has diverged: the test loss is ${testLoss.toPrecision(2)} after step ${steps}, in epoch ${epoch + 1}, ` +
    `and guessing would give 6 at most; start a new run with a --lr below ${lr}` +
    (outerLr > outerUpdate.learningRate ? `, or an --outer-lr below ${outerLr}` : '')
  );
}
