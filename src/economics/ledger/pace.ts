/**
 * How fast a run goes at present, and how long the rest of it takes at that pace. Pure.
 *
 * Steps, test passes and checkpoints are timed apart: a mean over everything would jump after every epoch, and follow a
 * change of speed only as fast as the run grows older.
 */
import { plannedSteps, samplesOfSteps, stepsPerEpoch } from '../../shared/core/sampling.ts';

/** What a run is to do. */
export interface PlannedWork {
  readonly epochs: number;
  /** `--steps`; undefined where epochs alone decide. */
  readonly maxSteps: number | undefined;
  /** Samples of a step. */
  readonly perStep: number;
  readonly trainCount: number;
  /** Test images, which a pass after each epoch goes through. */
  readonly testCount: number;
}

export interface Pace {
  /** Trained samples, those before a resumption included. */
  readonly samplesDone: number;
  readonly epochsTested: number;
  /** Weighted sums over recent steps; checkpoints within an epoch count as time of steps. */
  readonly recent: { readonly samples: number; readonly seconds: number };
  /** The last test pass, in seconds; undefined before the first. */
  readonly testSeconds: number | undefined;
  /** How long training stood still for the last checkpoint after a test pass, in seconds. */
  readonly saveSeconds: number;
  /** Nothing was trained since the last test pass. */
  readonly betweenEpochs: boolean;
}

export const notBegun: Pace = {
  samplesDone: 0,
  epochsTested: 0,
  recent: { samples: 0, seconds: 0 },
  testSeconds: undefined,
  saveSeconds: 0,
  betweenEpochs: true,
};

/** The weight of a step falls to 1/e in so many seconds of training, or in so many steps if that takes longer. */
const memorySeconds = 10;
const memorySteps = 10;

/** A forward pass is about a third of the work of a training step. */
const forwardPart = 1 / 3;

export function addPacedStep(pace: Pace, { samples, seconds }: { samples: number; seconds: number }): Pace {
  const kept = Math.exp(-Math.min(seconds / memorySeconds, 1 / memorySteps));
  const { recent } = pace;
  return {
    testSeconds: pace.testSeconds,
    saveSeconds: pace.saveSeconds,
    epochsTested: pace.epochsTested,
    samplesDone: pace.samplesDone + samples,
    recent: { samples: kept * recent.samples + samples, seconds: kept * recent.seconds + seconds },
    betweenEpochs: false,
  };
}

/** @param epochsTested including the one that was tested now */
export function addPacedTest(pace: Pace, seconds: number, epochsTested: number): Pace {
  return { ...pace, epochsTested, testSeconds: seconds, betweenEpochs: true };
}

export function addPacedSave(pace: Pace, seconds: number): Pace {
  if (pace.betweenEpochs) return { ...pace, saveSeconds: seconds };
  return { ...pace, recent: { ...pace.recent, seconds: pace.recent.seconds + seconds } };
}

/** Samples of the whole run. */
export function plannedSamples(plan: PlannedWork): number {
  return samplesOfSteps(plannedSteps(plan), plan.perStep, plan.trainCount);
}

/** Epochs that the run begins; each is tested, though `--steps` may cut the last one short. */
export function plannedEpochs(plan: PlannedWork): number {
  return Math.ceil(plannedSteps(plan) / stepsPerEpoch(plan.trainCount, plan.perStep));
}

/**
 * Seconds to the end of training, if it goes on at the present pace: samples left / (samples per second of recent steps) +
 * test passes left × (last test pass + last checkpoint). Before the first test pass, one is taken for a third of the
 * training time of as many samples.
 * @returns undefined before the first step
 */
export function paceSecondsLeft(pace: Pace, plan: PlannedWork): number | undefined {
  const { samples, seconds } = pace.recent;
  if (!(samples > 0)) return undefined;
  const perSample = seconds / samples;
  const { testSeconds = forwardPart * plan.testCount * perSample, saveSeconds } = pace;
  const samplesLeft = Math.max(0, plannedSamples(plan) - pace.samplesDone);
  const testsLeft = Math.max(0, plannedEpochs(plan) - pace.epochsTested);
  return samplesLeft * perSample + testsLeft * (testSeconds + saveSeconds);
}
