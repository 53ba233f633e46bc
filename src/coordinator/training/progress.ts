/** How far training has come, and what is to be done next. Pure: generations come and go, progress stays. */
import type { EpochTotals } from '../../economics/record/epoch-totals.ts';
import type { Applied } from '../../shared/protocol/messages.ts';
import type { TrainEnd } from './train.ts';

export interface Progress {
  /** Committed steps. */
  readonly step: number;
  /** The generation that committed the last of them; 0 before the first. */
  readonly generation: number;
  /** The epoch that was begun and not tested; undefined between epochs. */
  readonly open: EpochTotals | undefined;
  /** What the test pass of that epoch has come to. */
  readonly tested: TestTotals;
  /** How many of the last committed steps were skipped, one after another. */
  readonly skippedInRow: number;
  readonly isSaveDue: boolean;
  /** Why no more is trained; undefined while more is. */
  readonly end: TrainEnd | undefined;
}

/** A test pass so far. Its parts have the same parameters, whoever computes them. */
export interface TestTotals {
  /** Test images that are evaluated: the first ones. */
  readonly images: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly seconds: number;
}

export const nothingTested: TestTotals = { images: 0, lossSum: 0, correct: 0, seconds: 0 };

export function beginProgress(
  { step, generation }: Applied,
  open: EpochTotals | undefined,
  skippedInRow: number,
): Progress {
  return { step, generation, open, tested: nothingTested, skippedInRow, isSaveDue: false, end: undefined };
}

export type NextTask =
  /** Train up to step `until`, which ends the epoch or the run. */
  | { readonly kind: 'train'; readonly epoch: number; readonly until: number }
  | { readonly kind: 'test'; readonly open: EpochTotals }
  | { readonly kind: 'save' }
  /** All is trained, tested and saved. */
  | { readonly kind: 'finish'; readonly end: TrainEnd };

export interface TrainPlan {
  readonly stepsPerEpoch: number;
  /** The last step of the run, counted from 1. */
  readonly lastStep: number;
}

export function decideNext({ step, open, isSaveDue, end }: Progress, { stepsPerEpoch, lastStep }: TrainPlan): NextTask {
  if (isSaveDue) return { kind: 'save' };
  if (end !== undefined) return { kind: 'finish', end };
  if (open === undefined && step >= lastStep) return { kind: 'finish', end: { kind: 'completed' } };
  const epoch = open?.epoch ?? Math.floor(step / stepsPerEpoch);
  const until = Math.min((epoch + 1) * stepsPerEpoch, lastStep);
  return open !== undefined && step >= until ? { kind: 'test', open } : { kind: 'train', epoch, until };
}
