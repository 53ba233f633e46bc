/** How far a run is, counted step by step. Times are in seconds of the caller's clock. */
import {
  addStep,
  beginEpoch,
  type EpochMeans,
  type EpochTotals,
  epochMeans,
  type StepFigures,
} from '../../economics/record/epoch-totals.ts';

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
  /** Samples trained before the run was resumed. They took no time in this process. */
  readonly samplesCarried: number;
  readonly startedAt: number;
  /** Cost of the run so far; undefined when no worker has a price. */
  readonly costUsd: number | undefined;
  /** Price of all workers together. */
  readonly usdPerHour: number | undefined;
  /** Whether the price of any worker is assumed. */
  readonly priceAssumed: boolean;
}

/** A committed step. */
export interface ProgressStep extends StepFigures {
  /** Counts from 0. */
  readonly epoch: number;
  /** Cost of the run so far; left out when no worker has a price. */
  readonly costUsd?: number | undefined;
  /** Price of all workers together. */
  readonly usdPerHour?: number | undefined;
  /** Set if the price of any worker is assumed. */
  readonly priceAssumed?: boolean | undefined;
}

export interface ProgressPlan extends Pick<ProgressState, 'epochs' | 'samplesPerEpoch' | 'totalSamples'> {
  /** Set on resume: the samples trained before, and the totals of the epoch that was in progress. */
  readonly carried?: { readonly samples: number; readonly epoch?: EpochTotals | undefined };
}

export function beginProgress(plan: ProgressPlan, now: number): ProgressState {
  const { epochs, samplesPerEpoch, totalSamples, carried } = plan;
  const samplesCarried = carried?.samples ?? 0;
  const samplesBefore = samplesCarried - (carried?.epoch?.samples ?? 0);
  return {
    epochs,
    samplesPerEpoch,
    totalSamples,
    totals: carried?.epoch ?? beginEpoch(Math.floor(samplesBefore / samplesPerEpoch)),
    samplesBefore,
    samplesCarried,
    startedAt: now,
    costUsd: undefined,
    usdPerHour: undefined,
    priceAssumed: false,
  };
}

export function advanceProgress(state: ProgressState, step: ProgressStep): ProgressState {
  const sameEpoch = step.epoch === state.totals.epoch;
  return {
    ...state,
    totals: addStep(sameEpoch ? state.totals : beginEpoch(step.epoch), step),
    samplesBefore: sameEpoch ? state.samplesBefore : state.samplesBefore + state.totals.samples,
    costUsd: step.costUsd ?? state.costUsd,
    usdPerHour: step.usdPerHour ?? state.usdPerHour,
    priceAssumed: step.priceAssumed ?? state.priceAssumed,
  };
}

/** What people are shown. The means are over the epoch so far. */
export interface ProgressFigures extends EpochMeans {
  /** Completed fraction of the epoch, 0 to 1. */
  readonly done: number;
  /** Time to the end of the run at its pace so far, test passes included; undefined before the first step. */
  readonly etaSeconds: number | undefined;
}

export function progressFigures(state: ProgressState, now: number): ProgressFigures {
  const { samples } = state.totals;
  const samplesInEpoch = Math.min(state.samplesPerEpoch, state.totalSamples - state.samplesBefore);
  const trained = state.samplesBefore + samples;
  const inThisProcess = trained - state.samplesCarried;
  return {
    ...epochMeans(state.totals),
    done: samplesInEpoch > 0 ? Math.min(1, samples / samplesInEpoch) : 0,
    etaSeconds:
      inThisProcess > 0
        ? (Math.max(0, state.totalSamples - trained) * (now - state.startedAt)) / inThisProcess
        : undefined,
  };
}
