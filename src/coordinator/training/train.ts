/** Training, as the coordinator sees it: epochs of steps, each followed by a test pass and a checkpoint. */
import { beginEpoch, type EpochTotals } from '../../economics/record/epoch-totals.ts';
import type { TrainingConfig } from '../../settings/training-settings.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import { plannedSteps, stepsPerEpoch } from '../../shared/core/sampling.ts';
import type { TrainingState } from '../../shared/model/training-state.ts';
import type { Generation } from '../generation/generation.ts';
import type { EpochEvent, RunObserver } from '../run-events.ts';
import { positionAfter, saveCheckpoint } from './checkpoint.ts';
import { findDivergence } from './divergence.ts';
import { trainSteps } from './epoch-steps.ts';
import type { ReplicaComparison } from './replicas.ts';
import { salvage } from './salvage.ts';
import { createSaveSchedule, type SaveSchedule } from './save-schedule.ts';
import { createShareBalancer, speedKey } from './share-balancer.ts';
import { runTestPass, type TestPass } from './test-pass.ts';

export interface TrainSettings {
  readonly training: TrainingConfig;
  readonly trainCount: number;
  readonly testCount: number;
  /** Where a resumed run begins. */
  readonly start?: StartingPoint | undefined;
}

/** Where a resumed run goes on. */
export interface StartingPoint {
  /** Committed steps that the state has seen. */
  readonly step: number;
  /** Undefined where no step was saved: the members begin as they are. */
  readonly state: TrainingState | undefined;
  /** The epoch that was begun and not tested; undefined between epochs. */
  readonly epoch: EpochTotals | undefined;
  /** Steps committed before the resume, whether or not a checkpoint has them. */
  readonly stepsBefore: number;
}

export interface TrainContext {
  readonly clock: Clock;
  readonly observe: RunObserver;
  /** Ctrl-C: finish what workers are asked for already, steps or parts of a test pass, then save and return. */
  readonly signal: AbortSignal;
  /** Says which budget is used up, once one is: then training ends as by Ctrl-C. Asked before every step and part. */
  readonly findSpentBudget?: (() => string | undefined) | undefined;
  /** What the run has cost so far, in USD. */
  readonly spentUsd?: (() => number) | undefined;
}

/** Why training ended. */
export type TrainEnd =
  | { readonly kind: 'completed' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'budget'; readonly reason: string }
  | { readonly kind: 'target'; readonly reason: string };

export interface TrainOutcome {
  /** Committed steps. */
  readonly steps: number;
  readonly end: TrainEnd;
  /** Undefined when no step was trained. */
  readonly replicas: ReplicaComparison | undefined;
}

/** Test images in the picture at the end. */
const predictedImages = 10;

const fromTheBeginning: StartingPoint = { step: 0, state: undefined, epoch: undefined, stepsBefore: 0 };

/**
 * @throws what ended training early, with what became of the steps since the last checkpoint; diverged if an epoch ends
 * with a loss that only a diverged model has
 */
export async function train(
  generation: Generation,
  settings: TrainSettings,
  context: TrainContext,
): Promise<TrainOutcome> {
  const { observe, clock } = context;
  const { start = fromTheBeginning } = settings;
  const { batchSize, checkpointEvery } = settings.training;
  const schedule = createSaveSchedule(checkpointEvery, clock);
  let [committed, saved] = [start.step, start.step];
  const place = (step: number) => positionAfter(step, batchSize, settings.trainCount);
  try {
    return await trainEpochs(generation, settings, context, {
      schedule,
      onCommitted(step) {
        committed = step;
      },
      async save(step) {
        const replicas = await saveCheckpoint(generation, place(step), { observe, clock });
        saved = step;
        schedule.saved();
        return replicas;
      },
    });
  } catch (failure) {
    throw await salvage(generation, failure, place(committed), { observe, clock, savedStep: saved });
  }
}

interface Saving {
  readonly schedule: SaveSchedule;
  readonly onCommitted: (step: number) => void;
  save(step: number): Promise<ReplicaComparison>;
}

async function trainEpochs(
  generation: Generation,
  settings: TrainSettings,
  context: TrainContext,
  { schedule, onCommitted, save }: Saving,
): Promise<TrainOutcome> {
  const { observe, signal } = context;
  const { training, start = fromTheBeginning } = settings;
  const perEpoch = stepsPerEpoch(settings.trainCount, training.batchSize);
  const { epochs, steps: maxSteps, batchSize } = training;
  const lastStep = plannedSteps({ epochs, maxSteps, batchSize, trainCount: settings.trainCount });
  const balancer = createShareBalancer(training.balance, training.batchSize, generation.members.map(speedKey));
  const { stepsBefore } = start;
  const { isDue: isSaveDue } = schedule;
  let replicas: ReplicaComparison | undefined;
  let [step, open] = [start.step, start.epoch];
  let begun: number | undefined;
  let end: TrainEnd = { kind: 'completed' };

  if (start.state !== undefined) await generation.restore(start.state);
  while (end.kind === 'completed' && (open !== undefined || step < lastStep)) {
    const totals = open ?? beginEpoch(Math.floor(step / perEpoch));
    const { epoch } = totals;
    // Checkpoints within the epoch do not begin it again.
    if (epoch !== begun) observe({ type: 'epoch-begun', epoch });
    begun = epoch;
    const endOfEpoch = Math.min((epoch + 1) * perEpoch, lastStep);
    const stop = Math.min(endOfEpoch, schedule.nextStep(step));
    const range = { totals, begin: step, end: stop, stepsBefore, isSaveDue, onCommitted };
    const trained = await trainSteps(generation, settings, context, balancer, range);
    ({ step, totals: open } = trained);
    if (trained.spentBudget !== undefined) end = endOfCutOff(trained.spentBudget);
    else if (step === endOfEpoch) {
      const began = context.clock.now();
      const test = await runTestPass(generation, settings, context, balancer.shares());
      if (test.kind === 'cut-off') end = endOfCutOff(test.spentBudget);
      else {
        const tested = describeEpoch(open, test, settings.testCount, context.clock.now() - began);
        const cutShort = endOfEpoch < (epoch + 1) * perEpoch;
        observe(cutShort ? { ...tested, cutShort } : tested);
        // Before the checkpoint: nobody can go on from such parameters.
        const divergence = findDivergence(tested, step, training.lr);
        if (divergence !== undefined) throw new PennygradError('diverged', divergence);
        end = endAfter(tested, training) ?? (signal.aborted && step < lastStep ? { kind: 'interrupted' } : end);
        open = undefined;
      }
    } else if (signal.aborted) end = endOfCutOff(undefined);
    replicas = await save(step);
  }
  const count = Math.min(predictedImages, settings.testCount);
  observe({ type: 'predictions', count, probabilities: await generation.predict(count) });
  observe({ type: 'spent', members: generation.takeSpent(), redone: false });
  return { steps: step, end, replicas };
}

function endAfter({ testAccuracy, epoch }: EpochEvent, { targetAccuracy }: TrainingConfig): TrainEnd | undefined {
  if (targetAccuracy === undefined || testAccuracy < targetAccuracy) return undefined;
  return { kind: 'target', reason: `--target-accuracy ${targetAccuracy} is reached after epoch ${epoch + 1}` };
}

/** Steps or tests are left: they are for the run that goes on. */
function endOfCutOff(spentBudget: string | undefined): TrainEnd {
  return spentBudget === undefined ? { kind: 'interrupted' } : { kind: 'budget', reason: spentBudget };
}

function describeEpoch(
  { epoch, samples, lossSum, correct, seconds, usd }: EpochTotals,
  tested: Extract<TestPass, { kind: 'complete' }>,
  testCount: number,
  evaluateSeconds: number,
): EpochEvent {
  return {
    type: 'epoch',
    epoch,
    loss: lossSum / samples,
    accuracy: correct / samples,
    testLoss: tested.lossSum / testCount,
    testAccuracy: tested.correct / testCount,
    samples,
    seconds,
    usd,
    evaluateSeconds,
  };
}
