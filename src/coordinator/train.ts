/** Training, as the coordinator sees it: plan, collect votes, commit, and a test pass at the end of each epoch. */
import type { Clock } from '../shared/core/clock.ts';
import { PennygradError } from '../shared/core/errors.ts';
import { addPhases } from '../shared/core/phases.ts';
import { globalBatch, stepsPerEpoch } from '../shared/core/sampling.ts';
import type { BalanceMode } from '../shared/core/share-balance.ts';
import type { Generation, Vote } from './generation.ts';
import { findOddReplica, firstOfEachKind, relativeDistance, replicaTolerance } from './replicas.ts';
import { describeMember } from './roster.ts';
import type { Checkpoint, EpochEvent, MemberStep, RunObserver } from './run-events.ts';
import { createShareBalancer, type ShareBalancer, speedKind } from './share-balancer.ts';

export interface TrainSettings {
  readonly trainCount: number;
  readonly testCount: number;
  readonly epochs: number;
  /** Ends training after so many steps, if that comes first. */
  readonly maxSteps: number | undefined;
  readonly globalBatchSize: number;
  readonly balance: BalanceMode;
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
  /** Undefined when no step was trained. */
  readonly replicas: ReplicaComparison | undefined;
}

/** The replicas as they ended. */
export interface ReplicaComparison {
  /** All of them, bit for bit. */
  readonly identical: boolean;
  /** ‖a − b‖ / ‖a‖ of rank 0's parameters and those furthest from them; 0 when they are identical. */
  readonly difference: number;
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
  const balancer = createShareBalancer(settings.balance, settings.globalBatchSize, generation.members.map(speedKind));
  let replicas: ReplicaComparison | undefined;
  let step = 0;

  while (step < lastStep && !signal.aborted) {
    const epoch = Math.floor(step / perEpoch);
    const end = Math.min((epoch + 1) * perEpoch, lastStep);
    const trained = await trainSteps(generation, settings, context, balancer, { epoch, begin: step, end });
    step += trained.steps;
    // An epoch that the user cut short has no result of its own; its checkpoint says where to go on.
    if (step === end) observe(await testEpoch(generation, settings, context, balancer, epoch, trained));
    replicas = await saveCheckpoint(generation, context, { step, epoch, cursor: trained.samples });
  }
  const count = Math.min(predictedImages, settings.testCount);
  observe({ type: 'predictions', count, probabilities: await generation.predict(count) });
  return { steps: step, interrupted: step < lastStep, replicas };
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
  balancer: ShareBalancer,
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
      const batch = globalBatch(planned % perEpoch, globalBatchSize, trainCount);
      generation.plan(planned, epoch, batch, balancer.shares());
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
    const reason = balancer.observe(members);
    if (reason !== undefined) observe({ type: 'shares', step: planned, shares: balancer.shares(), reason });
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
  balancer: ShareBalancer,
  epoch: number,
  trained: Trained,
): Promise<EpochEvent> {
  const started = clock.now();
  const tested = await generation.evaluate('test', testCount, balancer.shares());
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

/** Emits a checkpoint of rank 0's state, once all replicas are known to be what they should be. */
async function saveCheckpoint(
  generation: Generation,
  { observe }: TrainContext,
  position: { readonly step: number; readonly epoch: number; readonly cursor: number },
): Promise<ReplicaComparison> {
  const answers = await generation.capture();
  requireEqualReplicas(
    generation,
    answers.map(({ message }) => message),
    position.step,
  );
  const [first] = answers;
  const state = first?.message.state;
  const [parameters, ...slots] = first?.tensors ?? [];
  const replicas = compareReplicas(generation, answers, position.step);
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
  return replicas;
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

/** @throws run-failed, naming the rank whose parameters are not those of another of its kind */
function requireEqualReplicas(
  { kinds, members }: Generation,
  answers: readonly { readonly parametersChecksum?: number | undefined }[],
  step: number,
): void {
  const odd = findOddReplica(
    kinds,
    answers.map(({ parametersChecksum }) => parametersChecksum),
  );
  const member = members[odd?.rank ?? -1];
  if (odd === undefined || member === undefined) return;
  throw new PennygradError(
    'run-failed',
    `${describeMember(member)} holds other parameters than rank ${odd.expected} before step ${step}, ` +
      `though both compute with ${kinds[odd.rank]}; replicas of the same kind must be identical`,
  );
}

/** @throws run-failed, naming a rank whose parameters are further from rank 0's than rounding takes them */
function compareReplicas(
  { kinds, members, parameterCount }: Generation,
  answers: Awaited<ReturnType<Generation['capture']>>,
  step: number,
): ReplicaComparison {
  const reference = answers[0]?.tensors[0];
  const distances = firstOfEachKind(kinds).map((rank) => {
    const parameters = answers[rank]?.tensors[0];
    if (reference === undefined || parameters?.length !== parameterCount) return { rank, distance: Number.NaN };
    return { rank, distance: relativeDistance(reference, parameters) };
  });
  // Negated, because NaN is within no tolerance.
  const far = distances.find(({ distance }) => !(distance <= replicaTolerance));
  const member = members[far?.rank ?? -1];
  if (far !== undefined && member !== undefined) {
    throw new PennygradError(
      'run-failed',
      `${describeMember(member)} (${kinds[far.rank]}) holds parameters ${far.distance.toExponential(1)} from rank 0's ` +
        `before step ${step}, relative to their length; rounding explains ${replicaTolerance} at most`,
    );
  }
  const checksums = new Set(answers.map(({ message }) => message.parametersChecksum));
  return { identical: checksums.size === 1, difference: Math.max(...distances.map(({ distance }) => distance)) };
}
