/** Training, as the coordinator sees it: epochs of steps, each followed by a test pass and a checkpoint. */
import { addStep, beginEpoch, type EpochTotals, epochMeans } from '../../economics/record/epoch-totals.ts';
import type { TrainingConfig } from '../../settings/training-settings.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import { noPhaseSeconds } from '../../shared/core/phases.ts';
import { nameSamples } from '../../shared/core/sample-names.ts';
import { globalBatch, plannedSteps, samplesPerStep, stepsPerEpoch } from '../../shared/core/sampling.ts';
import type { TrainingState } from '../../shared/model/training-state.ts';
import { isSameState } from '../../shared/protocol/applied.ts';
import type { Applied } from '../../shared/protocol/messages.ts';
import type { Generation } from '../generation/generation.ts';
import { MemberLost } from '../generation/member-lost.ts';
import type { Change } from '../membership/quorum.ts';
import type { EpochEvent, RecordedRun, RunObserver, StepEvent } from '../run-events.ts';
import { findUnrecorded, type ToldState } from './catch-up.ts';
import { positionAfter, saveCheckpoint } from './checkpoint.ts';
import { learnedFrom } from './decide-skip.ts';
import { findDivergence } from './divergence.ts';
import { sharesOf, trainSteps } from './epoch-steps.ts';
import {
  beginProgress,
  decideNext,
  type NextTask,
  nothingTested,
  type Progress,
  type TestTotals,
  type TrainPlan,
} from './progress.ts';
import { type ReplicaComparison, ReplicasDiffer } from './replicas.ts';
import { salvage } from './salvage.ts';
import { createSaveSchedule, type SaveSchedule } from './save-schedule.ts';
import { createShareBalancer, knownSpeeds, type ShareBalancer, speedKey } from './shares/share-balancer.ts';
import { chooseState, synchronize, toldBy } from './synchronize.ts';
import { runTestPass } from './test-pass.ts';

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
  /** The generation that committed the last of them; 0 where that is not known. */
  readonly generation: number;
  /** Undefined where no step was saved: the members begin as they are. */
  readonly state: TrainingState | undefined;
  /** The epoch that was begun and not tested; undefined between epochs. */
  readonly epoch: EpochTotals | undefined;
  /** Steps committed before the resume, whether or not a checkpoint has them. */
  readonly stepsBefore: number;
  /** How many of the last committed steps were skipped, one after another; none unless given. */
  readonly skippedInRow?: number | undefined;
}

export interface TrainContext {
  readonly clock: Clock;
  readonly observe: RunObserver;
  /** Ctrl-C: finish what workers are asked for already, steps or parts of a test pass, then save and return. */
  readonly signal: AbortSignal;
  /** Says which budget is used up, once one is: then training ends as by Ctrl-C. Asked before every step and part. */
  readonly findSpentBudget?: (() => string | undefined) | undefined;
  /** Whether a budget is nearly used up: then few steps are assigned ahead. */
  readonly isBudgetNear?: (() => boolean) | undefined;
  /**
   * Puts a step on record, before its commit if it has one. It is observed after that, when nobody waits for it.
   * @param isFollowed the next one is put on record before this process does anything else
   */
  readonly record?: ((step: StepEvent, isFollowed: boolean) => void) | undefined;
  /** What the run has cost so far, in USD. */
  readonly spentUsd?: (() => number) | undefined;
  /**
   * What the run had done up to a step after the last checkpoint, by its record; undefined where the record lacks some of it.
   * Without this only a checkpoint, or the last committed step, can be gone on from.
   * @param isFollowed a worker has steps that follow it, so that an epoch that ended with it was tested
   */
  readonly recordAt?: ((step: number, savedStep: number, isFollowed?: boolean) => RecordedRun | undefined) | undefined;
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

/** Where generations come from: a run may have several, one after another. */
export interface Fleet {
  /** Waits for a generation. The one before is over. @throws what ended the run */
  nextGeneration(): Promise<Generation>;
  /** Why another generation should begin at the next step boundary, if one should. */
  changeDue(): Change | undefined;
}

/** Test images in the picture at the end. */
const predictedImages = 10;

const fromTheBeginning: StartingPoint = { step: 0, generation: 0, state: undefined, epoch: undefined, stepsBefore: 0 };

/** What training knows, whatever becomes of its generations. */
interface Training {
  readonly settings: TrainSettings;
  readonly context: TrainContext;
  readonly plan: TrainPlan;
  readonly schedule: SaveSchedule;
  readonly changeDue: Fleet['changeDue'];
  progress: Progress;
  /** The last checkpoint, and the progress that it has. */
  saved: { readonly progress: Progress; readonly state: TrainingState | undefined };
  /** Steps before this one were committed once already, and lost. */
  stepsBefore: number;
  /** What the last step took and cost; nothing where this process knows of none. */
  lastStep: { readonly seconds: number; readonly usd: number };
  /** The epoch that was last announced. */
  begunEpoch: number | undefined;
  /** Set on a resumed run until its first generation has shown how far its workers are. */
  isStartOpen: boolean;
  replicas: ReplicaComparison | undefined;
  /** Seconds that workers lately took for a sample, by workerId. */
  readonly trainedSpeeds: Map<string, number>;
  /** How the generation before ended; undefined where there was none. */
  before: 'lost' | 'changed' | undefined;
  /** Why gradients are summed as they are; undefined where there was no choice. */
  allReduceReason: string | undefined;
  /** How often each worker's replica was healed, by workerId. */
  readonly healings: Map<string, number>;
}

/**
 * Trains with one generation after another: a loss, a newcomer and a worker that leaves each end one.
 * @throws what ended training early, with what became of the steps since the last checkpoint; diverged if an epoch ends
 * with a loss that only a diverged model has
 */
export async function train(fleet: Fleet, settings: TrainSettings, context: TrainContext): Promise<TrainOutcome> {
  const training = beginTraining(fleet, settings, context);
  let generation: Generation | undefined;
  try {
    for (;;) {
      generation = await fleet.nextGeneration();
      const end = await trainWithGeneration(generation, training);
      if (end !== undefined) return { steps: training.progress.step, end, replicas: training.replicas };
    }
  } catch (failure) {
    if (generation === undefined) throw failure;
    throw await saveWhatIsLeft(generation, training, failure);
  }
}

function beginTraining(fleet: Fleet, settings: TrainSettings, context: TrainContext): Training {
  const { training, trainCount, start = fromTheBeginning } = settings;
  const { epochs, steps: maxSteps, checkpointEvery } = training;
  const perStep = samplesPerStep(training);
  const progress = beginProgress(start, start.epoch, start.skippedInRow ?? 0);
  return {
    settings,
    context,
    plan: {
      stepsPerEpoch: stepsPerEpoch(trainCount, perStep),
      lastStep: plannedSteps({ epochs, maxSteps, perStep, trainCount }),
    },
    schedule: createSaveSchedule(checkpointEvery, context.clock),
    // Whoever was told to stop finishes with the members that there are.
    changeDue: () => (context.signal.aborted ? undefined : fleet.changeDue()),
    progress,
    saved: { progress, state: start.state },
    stepsBefore: start.stepsBefore,
    lastStep: { seconds: 0, usd: 0 },
    begunEpoch: undefined,
    isStartOpen: settings.start !== undefined,
    replicas: undefined,
    trainedSpeeds: new Map(),
    before: undefined,
    allReduceReason: undefined,
    healings: new Map(),
  };
}

async function saveWhatIsLeft(generation: Generation, training: Training, failure: unknown) {
  await catchUpWithSurvivors(generation, training);
  goOnFromSurvivors(generation, training);
  const { progress, saved, settings, context } = training;
  const { observe, clock } = context;
  const place = positionAfter(progress.step, samplesPerStep(settings.training), settings.trainCount);
  return salvage(generation, failure, place, { observe, clock, savedStep: saved.progress.step });
}

/** Where steps are not committed, those that are left may have more or fewer than this process knows. */
async function catchUpWithSurvivors(generation: Generation, training: Training): Promise<void> {
  while (generation.lostCount() > 0 && generation.mayDiffer()) {
    const lost = generation.lostCount();
    const { members, reportState, takeSpent } = generation.abort();
    if (members.length === 0) return;
    try {
      const told = await reportState(() => 'checksum');
      const hasCaughtUp = catchUp(toldBy(members, told), training);
      const late = hasCaughtUp || undefined;
      training.context.observe({ type: 'spent', members: takeSpent(), redone: !hasCaughtUp, late });
      return;
    } catch {
      // If one more was lost meanwhile, the others are asked again. Whatever else it is, saving meets it as well.
      if (generation.lostCount() === lost) return;
    }
  }
}

/**
 * Members that came back to another coordinator may be lost again before it has learned from them how far the run is. Where
 * steps are not committed, the last one may be lost with all that had it.
 */
function goOnFromSurvivors(generation: Generation, training: Training): void {
  const { saved, context, progress } = training;
  const { recordAt, isRecorded } = lookAtRecord(training);
  const applied = generation.applied().filter((seen) => seen !== undefined && generation.holders(seen.step).length > 0);
  const state = chooseState(applied, { committed: progress, saved: saved.progress, isRecorded });
  const record = recordAt(state.step);
  if (isSameState(state, progress) || isSameState(state, saved.progress) || record === undefined) return;
  training.progress = beginProgress(state, record.openEpoch, record.skippedInRow);
  context.observe({ type: 'went-on', step: state.step, record });
}

/** @returns how training ended; undefined if another generation is to go on with it */
async function trainWithGeneration(generation: Generation, training: Training): Promise<TrainEnd | undefined> {
  try {
    await chooseAllReduce(generation, training);
    await bringUpToDate(generation, training);
    training.before = 'changed';
    return await carryOut(generation, training);
  } catch (failure) {
    if (!isPassing(failure, training)) throw failure;
    training.before = 'lost';
    generation.abort();
    return undefined;
  }
}

/** Whether another generation can mend it. */
function isPassing(failure: unknown, { settings }: Training): boolean {
  if (failure instanceof MemberLost) return true;
  return failure instanceof ReplicasDiffer && settings.training.onDesync === 'heal';
}

/** A host that computes wrongly again and again is no spot of bad luck. */
const mostHealings = 3;

function countHealing({ healings }: Training, workerId: string): void {
  const count = (healings.get(workerId) ?? 0) + 1;
  healings.set(workerId, count);
  if (count <= mostHealings) return;
  const message = `worker ${workerId} went wrong again after it was healed ${mostHealings} times; replace its host`;
  throw new PennygradError('run-failed', message);
}

async function chooseAllReduce(generation: Generation, training: Training): Promise<void> {
  const { allReduce, reason, link } = await generation.chooseAllReduce();
  if (reason === undefined || reason === training.allReduceReason) return;
  training.allReduceReason = reason;
  training.context.observe({ type: 'all-reduce', allReduce, reason, link });
}

async function bringUpToDate(generation: Generation, training: Training): Promise<void> {
  const { saved, context, settings, before } = training;
  // Nobody looks before catching up, which may add to the record.
  const { recordAt, isRecorded } = lookAtRecord(training);
  const state = await synchronize(generation, {
    learn(told) {
      const hasCaughtUp = catchUp(told, training);
      return { known: { committed: training.progress, saved: saved.progress, isRecorded }, hasCaughtUp };
    },
    saved: saved.state,
    heals: settings.training.onDesync === 'heal',
    before,
    observe(event) {
      if (event.type === 'healed') countHealing(training, event.workerId);
      context.observe(event);
    },
  });
  const { progress } = training;
  const isNews = !isSameState(state, progress);
  training.stepsBefore = Math.max(training.stepsBefore, progress.step);
  if (isNews && isSameState(state, saved.progress)) {
    training.progress = saved.progress;
    context.observe({ type: 'rolled-back', step: state.step, lostSteps: progress.step - state.step });
  } else if (isNews || training.isStartOpen) {
    const record = recordAt(state.step);
    if (record !== undefined) {
      training.progress = beginProgress(state, record.openEpoch, record.skippedInRow);
      context.observe({ type: 'went-on', step: state.step, record });
    }
  }
  training.isStartOpen = false;
}

/** What the record has of the steps after the last checkpoint, for as long as nothing is added to it. */
function lookAtRecord({ context, saved }: Training) {
  const recordAt = remember((step) => context.recordAt?.(step, saved.progress.step));
  return { recordAt, isRecorded: (state: Applied) => recordAt(state.step)?.generation === state.generation };
}

/** Each look reads the whole record, and most members come back at the same step. */
function remember(recordAt: (step: number) => RecordedRun | undefined): (step: number) => RecordedRun | undefined {
  const found = new Map<number, RecordedRun | undefined>();
  return (step) => {
    if (!found.has(step)) found.set(step, recordAt(step));
    return found.get(step);
  };
}

/**
 * Puts on record what workers have trained and no coordinator has.
 * @returns whether there was any of that
 */
function catchUp(told: readonly ToldState[], training: Training): boolean {
  const { saved, context, plan, settings, progress } = training;
  const recordOf = (isFollowed: boolean) =>
    remember((step) => context.recordAt?.(step, saved.progress.step, isFollowed));
  const [last, followed] = [recordOf(false), recordOf(true)];
  function generationAt(step: number, isFollowed: boolean): number | undefined {
    if (training.isStartOpen) return (isFollowed ? followed : last)(step)?.generation;
    // What this process does not know, it has not put on record.
    return step === progress.step ? progress.generation : undefined;
  }
  const perStep = samplesPerStep(settings.training);
  const batchOf = (step: number) => globalBatch(step % plan.stepsPerEpoch, perStep, settings.trainCount);
  const further = told.filter(({ applied }) => applied !== undefined && applied.step > progress.step);
  const found = findUnrecorded(further, { savedStep: saved.progress.step, generationAt, batchOf });
  if (found === undefined) return false;
  const { since } = found;
  const epochOf = (step: number) => Math.floor(step / plan.stepsPerEpoch);
  // An epoch ends with a test pass of its own parameters, which nobody has any more.
  if (epochOf(since.step) !== epochOf(found.applied.step - 1)) return false;
  const record = training.isStartOpen ? followed(since.step) : undefined;
  if (record !== undefined) context.observe({ type: 'went-on', step: record.step, record });
  const begun = record === undefined ? progress : beginProgress(record, record.openEpoch, record.skippedInRow);
  let { open, skippedInRow } = begun;
  for (const { step, samples, shares, isSkipped, ...sums } of found.steps) {
    const epoch = epochOf(step);
    const skipped = isSkipped
      ? `worker ${found.workerId} reports that it was not finite, on ${nameSamples(epoch, batchOf(step), undefined)}`
      : undefined;
    // Nobody knows how long it took, but it was like the one before.
    const { seconds, usd } = training.lastStep;
    const figures = { samples, ...learnedFrom({ samples, ...sums }, skipped), seconds, usd };
    open = addStep(open ?? beginEpoch(epoch), figures);
    skippedInRow = skipped === undefined ? 0 : skippedInRow + 1;
    context.observe({
      type: 'step',
      step,
      epoch,
      generation: found.applied.generation,
      ...figures,
      members: shares.map(({ workerId, from, to }) => ({ workerId, samples: to - from, phases: noPhaseSeconds })),
      shares,
    });
  }
  training.progress = { ...begun, ...found.applied, open, skippedInRow };
  training.isStartOpen = false;
  return true;
}

/** Members that have trained before get the shares that fit them. */
async function carryOut(generation: Generation, training: Training): Promise<TrainEnd | undefined> {
  const { settings, context, trainedSpeeds, progress } = training;
  const { balance } = settings.training;
  const { members } = generation;
  const known = knownSpeeds(members, trainedSpeeds);
  const balancer = createShareBalancer(
    balance,
    samplesPerStep(settings.training),
    members.map(speedKey),
    known,
    generation.microShard,
  );
  const { firstReason: reason } = balancer;
  if (reason !== undefined)
    context.observe({ type: 'shares', step: progress.step, shares: sharesOf(generation, balancer), reason });
  try {
    return await carryOutTasks(generation, training, balancer);
  } finally {
    const measured = balancer.secondsPerSample();
    for (const [rank, { info }] of members.entries()) {
      const seconds = measured?.[rank];
      if (seconds !== undefined) trainedSpeeds.set(info.workerId, seconds);
    }
  }
}

/** Until training ends, or a change of the fleet is due. */
async function carryOutTasks(
  generation: Generation,
  training: Training,
  balancer: ShareBalancer,
): Promise<TrainEnd | undefined> {
  const { settings, context, plan } = training;
  for (;;) {
    const { progress, saved } = training;
    const next = decideNext(progress, plan);
    const change = next.kind === 'train' || next.kind === 'test' ? training.changeDue() : undefined;
    if (change !== undefined) {
      // Whoever stays may leave while the run waits for others, and nobody would be left that has these steps.
      if (change.leavesTooFew && progress.step > saved.progress.step) await save(generation, training);
      // Where nobody waits for a commit, all have voted for the last step, and some may still wait for the gradient of one that
      // leaves now.
      if (generation.runsAhead() && generation.members.length > 1) await generation.reportState(() => 'checksum');
      return undefined;
    }
    switch (next.kind) {
      case 'train':
        await trainTo(next, generation, training, balancer);
        break;
      case 'test':
        await test(next, generation, training, balancer.shares());
        break;
      case 'save':
        await save(generation, training);
        break;
      case 'finish': {
        const count = Math.min(predictedImages, settings.testCount);
        context.observe({ type: 'predictions', count, probabilities: await generation.predict(count) });
        context.observe({ type: 'spent', members: generation.takeSpent(), redone: false });
        return next.end;
      }
      default:
        return next satisfies never;
    }
  }
}

async function trainTo(
  { epoch, until }: Extract<NextTask, { kind: 'train' }>,
  generation: Generation,
  training: Training,
  balancer: ShareBalancer,
): Promise<void> {
  const { settings, context, schedule, stepsBefore, progress } = training;
  const { signal } = context;
  // Checkpoints and generations within the epoch do not begin it again.
  if (epoch !== training.begunEpoch) context.observe({ type: 'epoch-begun', epoch });
  training.begunEpoch = epoch;
  const end = Math.min(until, schedule.nextStep(progress.step));
  const totals = progress.open ?? beginEpoch(epoch);
  training.progress = { ...progress, open: totals };
  const spentBudget = await trainSteps(generation, settings, context, balancer, {
    totals,
    begin: progress.step,
    end,
    stepsBefore,
    skippedInRow: progress.skippedInRow,
    isPauseDue: () => schedule.isDue() || training.changeDue() !== undefined,
    onCommitted(step, open, skippedInRow, { seconds, usd = 0 }) {
      training.lastStep = { seconds, usd };
      const { tested, isSaveDue, end } = training.progress;
      training.progress = { step, generation: generation.number, open, tested, skippedInRow, isSaveDue, end };
    },
  });
  const { step } = training.progress;
  if (spentBudget !== undefined) endWith(training, endOfCutOff(spentBudget));
  else if (step === until) return;
  else if (signal.aborted) endWith(training, endOfCutOff(undefined));
  else if (step === end || schedule.isDue()) training.progress = { ...training.progress, isSaveDue: true };
}

async function test(
  { open }: Extract<NextTask, { kind: 'test' }>,
  generation: Generation,
  training: Training,
  shares: readonly number[],
): Promise<void> {
  const { settings, context, plan, progress } = training;
  const { step } = progress;
  const pass = await runTestPass(generation, settings, context, {
    before: progress.tested,
    shares,
    isChangeDue: () => training.changeDue() !== undefined,
    onTested(tested) {
      training.progress = { ...training.progress, tested };
    },
  });
  if (pass.kind === 'cut-off') endWith(training, endOfCutOff(pass.spentBudget));
  if (pass.kind !== 'complete') return;
  const tested = describeEpoch(open, training.progress.tested, settings.testCount);
  const isCutShort = step < (open.epoch + 1) * plan.stepsPerEpoch;
  context.observe(isCutShort ? { ...tested, cutShort: true } : tested);
  // Before the checkpoint: nobody can go on from such parameters.
  const divergence = findDivergence(tested, step, settings.training);
  if (divergence !== undefined) throw new PennygradError('diverged', divergence);
  const end =
    endAfter(tested, settings.training) ??
    (context.signal.aborted && step < plan.lastStep ? ({ kind: 'interrupted' } as const) : undefined);
  training.progress = {
    ...progress,
    open: undefined,
    tested: nothingTested,
    isSaveDue: true,
    end,
  };
}

async function save(generation: Generation, training: Training): Promise<void> {
  const { settings, schedule, context } = training;
  const { step } = training.progress;
  const place = positionAfter(step, samplesPerStep(settings.training), settings.trainCount);
  const { replicas, state } = await saveCheckpoint(generation, place, context);
  const progress = { ...training.progress, isSaveDue: false };
  training.progress = progress;
  training.saved = { progress, state };
  training.replicas = replicas;
  schedule.saved();
}

/** What is left is for the run that goes on; what there is must be saved. */
function endWith(training: Training, end: TrainEnd): void {
  training.progress = { ...training.progress, end, isSaveDue: true };
}

function endAfter({ testAccuracy, epoch }: EpochEvent, { targetAccuracy }: TrainingConfig): TrainEnd | undefined {
  if (targetAccuracy === undefined || testAccuracy < targetAccuracy) return undefined;
  return { kind: 'target', reason: `--target-accuracy ${targetAccuracy} is reached after epoch ${epoch + 1}` };
}

/** Steps or tests are left: they are for the run that goes on. */
function endOfCutOff(spentBudget: string | undefined): TrainEnd {
  return spentBudget === undefined ? { kind: 'interrupted' } : { kind: 'budget', reason: spentBudget };
}

function describeEpoch(totals: EpochTotals, tested: TestTotals, testCount: number): EpochEvent {
  const { epoch, samples, seconds, usd } = totals;
  const { loss, accuracy } = epochMeans(totals);
  return {
    type: 'epoch',
    epoch,
    loss,
    accuracy,
    testLoss: tested.lossSum / testCount,
    testAccuracy: tested.correct / testCount,
    samples,
    seconds,
    usd,
    evaluateSeconds: tested.seconds,
  };
}
