/** Training progress, updated every step, with the cost figures to display. */
import {
  addStep,
  beginEpoch,
  type EpochMeans,
  type EpochTotals,
  epochMeans,
  type StepFigures,
} from '../../economics/record/epoch-totals.ts';
import type { BudgetBasis } from '../../shared/core/budget-basis.ts';

/** What a run costs and has ahead of it. What is not known, or has no price or budget, is undefined. */
export interface ProgressOutlook {
  /** Accrued so far; undefined when no worker has a price. */
  readonly costUsd?: number | undefined;
  /** Billed if the run ended now. */
  readonly billedUsd?: number | undefined;
  /** Price of all workers together. */
  readonly usdPerHour?: number | undefined;
  /** Set if the price of any worker is assumed. */
  readonly priceAssumed?: boolean | undefined;
  /** Time to the end of the run at its present pace, test passes included. */
  readonly secondsLeft?: number | undefined;
  /** Cost of the whole run at that pace. */
  readonly projectedUsd?: number | undefined;
  readonly budgetUsdLeft?: number | undefined;
  /** What the budget in USD limits. */
  readonly budgetBasis?: BudgetBasis | undefined;
  /** Until the first budget is used up. */
  readonly budgetSecondsLeft?: number | undefined;
}

export interface ProgressState {
  readonly epochs: number;
  /** Training samples in an epoch. */
  readonly samplesPerEpoch: number;
  /** Training samples in the whole run: fewer than `epochs × samplesPerEpoch` when `--steps` ends it early. */
  readonly totalSamples: number;
  /** The epoch in progress. */
  readonly totals: EpochTotals;
  /** Samples trained in earlier epochs. */
  readonly samplesBefore: number;
  /** As of the last step. Asked for only when it is shown: most steps are not. */
  readonly readOutlook: () => ProgressOutlook;
}

/** A committed step. */
export interface ProgressStep extends StepFigures {
  /** Counts from 0. */
  readonly epoch: number;
  readonly readOutlook?: () => ProgressOutlook;
}

export interface ProgressPlan extends Pick<ProgressState, 'epochs' | 'samplesPerEpoch' | 'totalSamples'> {
  /** Set on resume: the samples trained before, and the totals of the epoch that was in progress. */
  readonly carried?: { readonly samples: number; readonly epoch?: EpochTotals | undefined };
}

export function beginProgress({ epochs, samplesPerEpoch, totalSamples, carried }: ProgressPlan): ProgressState {
  const samplesBefore = (carried?.samples ?? 0) - (carried?.epoch?.samples ?? 0);
  return {
    epochs,
    samplesPerEpoch,
    totalSamples,
    totals: carried?.epoch ?? beginEpoch(Math.floor(samplesBefore / samplesPerEpoch)),
    samplesBefore,
    readOutlook: () => ({}),
  };
}

export function advanceProgress(state: ProgressState, step: ProgressStep): ProgressState {
  const sameEpoch = step.epoch === state.totals.epoch;
  return {
    epochs: state.epochs,
    samplesPerEpoch: state.samplesPerEpoch,
    totalSamples: state.totalSamples,
    totals: addStep(sameEpoch ? state.totals : beginEpoch(step.epoch), step),
    samplesBefore: sameEpoch ? state.samplesBefore : state.samplesBefore + state.totals.samples,
    readOutlook: step.readOutlook ?? state.readOutlook,
  };
}

/** What people are shown. The means are over the epoch so far. */
export interface ProgressFigures extends EpochMeans {
  /** Completed fraction of the epoch, 0 to 1. */
  readonly done: number;
}

export function progressFigures(state: ProgressState): ProgressFigures {
  const { samples } = state.totals;
  const samplesInEpoch = Math.min(state.samplesPerEpoch, state.totalSamples - state.samplesBefore);
  const { loss, accuracy, samplesPerSecond } = epochMeans(state.totals);
  return {
    loss,
    accuracy,
    samplesPerSecond,
    done: samplesInEpoch > 0 ? Math.min(1, samples / samplesInEpoch) : 0,
  };
}
