/** Sums over the steps of an epoch, for the training loop, the record, the metrics and the progress line. */

/** What a committed step adds to its epoch. */
export interface StepFigures {
  readonly samples: number;
  /** Mean over the step's samples, in nats. */
  readonly loss: number;
  /** Samples that were classified correctly. */
  readonly correct: number;
  /** Training time in seconds. */
  readonly seconds: number;
  /** Cost of all workers in `seconds`, in USD; undefined where it was not recorded. */
  readonly usd?: number | undefined;
  /** Why no replica applied it, if none did: it was not finite. Then loss and correct say nothing. */
  readonly skipped?: string | undefined;
}

/** The totals of an epoch that has not been tested yet. */
export interface EpochTotals {
  /** Counts from 0. */
  readonly epoch: number;
  readonly samples: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly seconds: number;
  /** Undefined as soon as the cost of one step is. */
  readonly usd?: number | undefined;
  /** The part of `samples` in skipped steps, which loss and accuracy leave out; undefined where there is none. */
  readonly skippedSamples?: number | undefined;
}

/** Means over the samples of an epoch so far; 0 before the first step. Loss and accuracy are over those that were applied. */
export interface EpochMeans {
  /** In nats. */
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
  readonly samplesPerSecond: number;
}

/** @param epoch counts from 0 */
export function beginEpoch(epoch: number): EpochTotals {
  return { epoch, samples: 0, lossSum: 0, correct: 0, seconds: 0, usd: 0 };
}

export function addStep(totals: EpochTotals, step: StepFigures): EpochTotals {
  const isSkipped = step.skipped !== undefined;
  return {
    epoch: totals.epoch,
    samples: totals.samples + step.samples,
    skippedSamples: isSkipped ? (totals.skippedSamples ?? 0) + step.samples : totals.skippedSamples,
    lossSum: totals.lossSum + (isSkipped ? 0 : step.loss * step.samples),
    correct: totals.correct + (isSkipped ? 0 : step.correct),
    seconds: totals.seconds + step.seconds,
    usd: totals.usd === undefined || step.usd === undefined ? undefined : totals.usd + step.usd,
  };
}

export function epochMeans({ samples, skippedSamples = 0, lossSum, correct, seconds }: EpochTotals): EpochMeans {
  const applied = samples - skippedSamples;
  return {
    // NaN where all steps were skipped: nothing was learned.
    loss: samples > 0 ? lossSum / applied : 0,
    accuracy: applied > 0 ? correct / applied : 0,
    samplesPerSecond: seconds > 0 ? samples / seconds : 0,
  };
}
