/** Training, as the coordinator sees it: plan, collect votes, commit, and a test pass at the end of each epoch. */

import type { EpochTotals } from '../../economics/record/run-record.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import { globalBatch, stepsPerEpoch } from '../../shared/core/sampling.ts';
import type { Generation, RestoredState, Vote } from '../generation/generation.ts';
import { describeMember } from '../membership/roster.ts';
import type { Checkpoint, EpochEvent, RunObserver } from '../run-events.ts';
import { findOddReplica, firstOfEachKind, relativeDistance, replicaTolerance } from './replicas.ts';
import type { BalanceMode } from './share-balance.ts';
import { createShareBalancer, type ShareBalancer, speedKind } from './share-balancer.ts';

export interface TrainSettings {
  readonly trainCount: number;
  readonly testCount: number;
  readonly epochs: number;
  /** Ends training after so many steps, if that comes first. */
  readonly maxSteps: number | undefined;
  readonly globalBatchSize: number;
  readonly balance: BalanceMode;
  /** Ends training after the test pass that first has it, 0 to 1. */
  readonly targetAccuracy?: number | undefined;
  /** Where to begin; by default at the beginning. */
  readonly start?: StartingPoint | undefined;
}

/** Where a resumed run goes on. */
export interface StartingPoint {
  /** Committed steps that the state has seen. */
  readonly step: number;
  /** Undefined where no step was saved: the members begin as they are. */
  readonly state: RestoredState | undefined;
  /** Of the epoch that was begun and is not tested; undefined between epochs. */
  readonly epoch: EpochTotals | undefined;
  /** Steps that were committed once, saved or not. */
  readonly stepsBefore: number;
}

export interface TrainContext {
  readonly clock: Clock;
  readonly observe: RunObserver;
  /** Ctrl-C: finish the steps that are planned, then return. */
  readonly signal: AbortSignal;
  /** Says which budget is used up, once one is: the same as Ctrl-C then. Asked after every commit. */
  readonly findSpentBudget?: () => string | undefined;
  /** What the run has cost so far, in USD. */
  readonly spentUsd?: () => number;
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
  const { start = fromTheBeginning } = settings;
  const perEpoch = stepsPerEpoch(settings.trainCount, settings.globalBatchSize);
  const lastStep = Math.min(settings.epochs * perEpoch, settings.maxSteps ?? Number.POSITIVE_INFINITY);
  const balancer = createShareBalancer(settings.balance, settings.globalBatchSize, generation.members.map(speedKind));
  let replicas: ReplicaComparison | undefined;
  let [step, open] = [start.step, start.epoch];
  let end: TrainEnd = { kind: 'completed' };

  if (start.state !== undefined) await generation.restore(start.state);
  while (end.kind === 'completed' && (open !== undefined || step < lastStep)) {
    const { epoch } = open ?? { epoch: Math.floor(step / perEpoch) };
    const endOfEpoch = Math.min((epoch + 1) * perEpoch, lastStep);
    const trained = await trainSteps(generation, settings, context, balancer, {
      totals: open ?? beginEpoch(epoch),
      begin: step,
      end: endOfEpoch,
      stepsBefore: start.stepsBefore,
    });
    ({ step, totals: open } = trained);
    if (trained.spentBudget !== undefined) end = { kind: 'budget', reason: trained.spentBudget };
    else if (step < endOfEpoch) end = { kind: 'interrupted' };
    else {
      const cutShort = endOfEpoch < (epoch + 1) * perEpoch;
      const tested = await testEpoch(generation, settings, context, balancer, { ...open, cutShort });
      observe(tested);
      end = endAfter(tested, settings) ?? (signal.aborted && step < lastStep ? { kind: 'interrupted' } : end);
      open = undefined;
    }
    replicas = await saveCheckpoint(generation, context, { step, epoch, cursor: trained.totals.samples });
  }
  const count = Math.min(predictedImages, settings.testCount);
  observe({ type: 'predictions', count, probabilities: await generation.predict(count) });
  observe({ type: 'spent', members: generation.takeSpent(), redone: false });
  return { steps: step, end, replicas };
}

const fromTheBeginning: StartingPoint = { step: 0, state: undefined, epoch: undefined, stepsBefore: 0 };

function endAfter({ testAccuracy, epoch }: EpochEvent, { targetAccuracy }: TrainSettings): TrainEnd | undefined {
  if (targetAccuracy === undefined || testAccuracy < targetAccuracy) return undefined;
  return { kind: 'target', reason: `--target-accuracy ${targetAccuracy} is reached after epoch ${epoch + 1}` };
}

function beginEpoch(epoch: number): EpochTotals {
  return { epoch, samples: 0, lossSum: 0, correct: 0, seconds: 0, usd: 0 };
}

async function trainSteps(
  generation: Generation,
  { globalBatchSize, trainCount }: TrainSettings,
  { clock, observe, signal, findSpentBudget = () => undefined, spentUsd = () => 0 }: TrainContext,
  balancer: ShareBalancer,
  range: {
    readonly totals: EpochTotals;
    readonly begin: number;
    readonly end: number;
    readonly stepsBefore: number;
  },
): Promise<{ readonly step: number; readonly totals: EpochTotals; readonly spentBudget: string | undefined }> {
  const { begin } = range;
  const { epoch } = range.totals;
  const perEpoch = stepsPerEpoch(trainCount, globalBatchSize);
  let spentBudget = findSpentBudget();
  let end = spentBudget !== undefined || signal.aborted ? begin : range.end;
  let planned = begin;
  let [committed, costBefore] = [clock.now(), spentUsd()];
  let { samples, lossSum, correct, seconds, usd: epochUsd } = range.totals;
  observe({ type: 'epoch-begun', epoch });

  for (let step = begin; step < end; step++) {
    for (; planned < Math.min(step + 1 + plannedAhead, end); planned++) {
      const batch = globalBatch(planned % perEpoch, globalBatchSize, trainCount);
      generation.plan(planned, epoch, batch, balancer.shares());
    }
    const votes = await generation.votes(step);
    requireEqualReplicas(generation, votes, step);
    generation.commit(step);

    const [now, cost] = [clock.now(), spentUsd()];
    // Sums of other orders may differ in their last bits.
    const usd = Math.max(0, cost - costBefore);
    const sum = sumVotes(votes);
    samples += sum.samples;
    lossSum += sum.lossSum;
    correct += sum.correct;
    seconds += now - committed;
    if (epochUsd !== undefined) epochUsd += usd;
    const spent = generation.takeSpent();
    const members = spent.map(({ rank, seconds: phases }) => ({ rank, samples: votes[rank]?.samples ?? 0, phases }));
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
      usd,
    });
    observe({ type: 'spent', members: spent, redone: step < range.stepsBefore });
    const reason = balancer.observe(members);
    if (reason !== undefined) observe({ type: 'shares', step: planned, shares: balancer.shares(), reason });
    [committed, costBefore] = [now, cost];
    spentBudget ??= findSpentBudget();
    // Workers already hold these plans: finishing them leaves no rank in the middle of a step.
    if (signal.aborted || spentBudget !== undefined) end = planned;
  }
  return {
    step: Math.max(begin, end),
    totals: { epoch, samples, lossSum, correct, seconds, usd: epochUsd },
    spentBudget,
  };
}

async function testEpoch(
  generation: Generation,
  { testCount }: TrainSettings,
  { clock, observe }: TrainContext,
  balancer: ShareBalancer,
  trained: EpochTotals & { readonly cutShort: boolean },
): Promise<EpochEvent> {
  const started = clock.now();
  const tested = await generation.evaluate('test', testCount, balancer.shares());
  observe({ type: 'spent', members: generation.takeSpent(), redone: false });
  return {
    type: 'epoch',
    epoch: trained.epoch,
    loss: trained.lossSum / trained.samples,
    accuracy: trained.correct / trained.samples,
    testLoss: tested.lossSum / testCount,
    testAccuracy: tested.correct / testCount,
    samples: trained.samples,
    seconds: trained.seconds,
    usd: trained.usd,
    evaluateSeconds: clock.now() - started,
    ...(trained.cutShort ? { cutShort: true } : {}),
  };
}

/** Emits a checkpoint of rank 0's state, once all replicas are known to be what they should be. */
async function saveCheckpoint(
  generation: Generation,
  { observe }: TrainContext,
  position: { readonly step: number; readonly epoch: number; readonly cursor: number },
): Promise<ReplicaComparison> {
  const answers = await generation.capture();
  observe({ type: 'spent', members: generation.takeSpent(), redone: false });
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
