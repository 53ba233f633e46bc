/** Training, as the coordinator sees it: plan, collect votes, commit, and a test pass at the end of each epoch. */
import type { Clock } from '../shared/core/clock.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { addPhases } from '../shared/core/phases.ts';
import { globalBatch, stepsPerEpoch } from '../shared/core/sampling.ts';
import type { Generation, Vote } from './generation.ts';
import { describeMember } from './roster.ts';
import type { Checkpoint, EpochEvent, MemberStep, RunObserver } from './run-events.ts';

export interface TrainSettings {
  readonly trainCount: number;
  readonly testCount: number;
  readonly epochs: number;
  /** Ends training after so many steps, if that comes first. */
  readonly maxSteps: number | undefined;
  readonly globalBatchSize: number;
}

export interface TrainContext {
  readonly clock: Clock;
  readonly observe: RunObserver;
  /** Ctrl-C: finish the steps that are planned, then return. */
  readonly signal: AbortSignal;
}

export interface TrainOutcome {
  /** Committed steps. */
  readonly steps: number;
  readonly interrupted: boolean;
}

/** Plans are sent this many steps ahead, so that a worker never waits for one. */
const plannedAhead = 1;

/** Test images in the picture at the end. */
const predictedImages = 10;

export async function train(
  generation: Generation,
  settings: TrainSettings,
  context: TrainContext,
): Promise<TrainOutcome> {
  const { observe, signal } = context;
  const perEpoch = stepsPerEpoch(settings.trainCount, settings.globalBatchSize);
  const lastStep = Math.min(settings.epochs * perEpoch, settings.maxSteps ?? Number.POSITIVE_INFINITY);
  let step = 0;

  while (step < lastStep && !signal.aborted) {
    const epoch = Math.floor(step / perEpoch);
    const end = Math.min((epoch + 1) * perEpoch, lastStep);
    const trained = await trainSteps(generation, settings, context, { epoch, begin: step, end });
    step += trained.steps;
    // An epoch that the user cut short has no result of its own; its checkpoint says where to go on.
    if (step === end) observe(await testEpoch(generation, settings, context, epoch, trained));
    await saveCheckpoint(generation, context, { step, epoch, cursor: trained.samples });
  }
  const count = Math.min(predictedImages, settings.testCount);
  observe({ type: 'predictions', count, probabilities: await generation.predict(count) });
  return { steps: step, interrupted: step < lastStep };
}

/** Sums over the steps of an epoch. */
interface Trained {
  readonly steps: number;
  readonly samples: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly seconds: number;
}

async function trainSteps(
  generation: Generation,
  { globalBatchSize, trainCount }: TrainSettings,
  { clock, observe, signal }: TrainContext,
  range: { readonly epoch: number; readonly begin: number; readonly end: number },
): Promise<Trained> {
  const { epoch, begin } = range;
  const perEpoch = stepsPerEpoch(trainCount, globalBatchSize);
  const started = clock.now();
  let { end } = range;
  let planned = begin;
  let committed = started;
  let [samples, lossSum, correct] = [0, 0, 0];
  observe({ type: 'epoch-begun', epoch });

  for (let step = begin; step < end; step++) {
    for (; planned < Math.min(step + 1 + plannedAhead, end); planned++) {
      generation.plan(planned, epoch, globalBatch(planned % perEpoch, globalBatchSize, trainCount));
    }
    const votes = await generation.votes(step);
    requireEqualReplicas(generation, votes, step);
    generation.commit(step);

    const now = clock.now();
    const sum = sumVotes(votes);
    samples += sum.samples;
    lossSum += sum.lossSum;
    correct += sum.correct;
    const members = takePhases(generation, votes);
    const loss = sum.lossSum / sum.samples;
    observe({
      type: 'step',
      step,
      epoch,
      samples: sum.samples,
      loss,
      correct: sum.correct,
      members,
      seconds: now - committed,
    });
    committed = now;
    // Workers already hold these plans: finishing them leaves no rank in the middle of a step.
    if (signal.aborted) end = planned;
  }
  return { steps: end - begin, samples, lossSum, correct, seconds: committed - started };
}

async function testEpoch(
  generation: Generation,
  { testCount }: TrainSettings,
  { clock }: TrainContext,
  epoch: number,
  trained: Trained,
): Promise<EpochEvent> {
  const started = clock.now();
  const tested = await generation.evaluate('test', testCount);
  return {
    type: 'epoch',
    epoch,
    loss: trained.lossSum / trained.samples,
    accuracy: trained.correct / trained.samples,
    testLoss: tested.lossSum / testCount,
    testAccuracy: tested.correct / testCount,
    samples: trained.samples,
    seconds: trained.seconds,
    evaluateSeconds: clock.now() - started,
  };
}

/** Emits a checkpoint of rank 0's state, once all replicas are known to be the same bit for bit. */
async function saveCheckpoint(
  generation: Generation,
  { observe }: TrainContext,
  position: { readonly step: number; readonly epoch: number; readonly cursor: number },
): Promise<void> {
  const answers = await generation.capture();
  requireEqualReplicas(
    generation,
    answers.map(({ message }) => message),
    position.step,
  );
  const [first] = answers;
  const state = first?.message.state;
  const [parameters, ...slots] = first?.tensors ?? [];
  const complete = [parameters, ...slots].every((vector) => vector?.length === generation.parameterCount);
  if (state === undefined || parameters === undefined || !complete) {
    throw new PennygradError('run-failed', 'rank 0 sent no complete state for the checkpoint');
  }
  const checkpoint: Checkpoint = {
    ...position,
    parameters,
    artifacts: { topology: state.topology, weightSpecs: state.weightSpecs },
    optimizerState: { iterations: state.optimizerIterations, slots },
  };
  observe({ type: 'checkpoint', checkpoint });
}

function sumVotes(votes: readonly Vote[]): { samples: number; lossSum: number; correct: number } {
  return votes.reduce(
    (sum, { samples, lossSum, correct }) => ({
      samples: sum.samples + samples,
      lossSum: sum.lossSum + lossSum,
      correct: sum.correct + correct,
    }),
    { samples: 0, lossSum: 0, correct: 0 },
  );
}

/**
 * Votes carry running totals, of which what is new is booked. A vote is cast before its own communication, wait and
 * update: those come with the next one, and the last step's are lost.
 */
function takePhases(generation: Generation, votes: readonly Vote[]): readonly MemberStep[] {
  return generation.members.flatMap((member, rank) => {
    const vote = votes[rank];
    if (vote === undefined) return [];
    const phases = addPhases(vote.phases, member.phases, -1);
    member.phases = vote.phases;
    return { rank, samples: vote.samples, phases };
  });
}

/** @throws run-failed, naming the rank whose parameters are not those of rank 0 */
function requireEqualReplicas(
  generation: Generation,
  answers: readonly { readonly parametersChecksum?: number | undefined }[],
  step: number,
): void {
  const expected = answers[0]?.parametersChecksum;
  const member = generation.members[answers.findIndex(({ parametersChecksum }) => parametersChecksum !== expected)];
  if (member === undefined) return;
  throw new PennygradError(
    'run-failed',
    `${describeMember(member)} holds other parameters than rank 0 before step ${step}; replicas must be identical`,
  );
}
