/** The steps of one epoch: assign, collect votes, commit. */
import { addStep, type EpochTotals, type StepFigures } from '../../economics/record/epoch-totals.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import { globalBatch, type Interval, samplesPerStep, stepsPerEpoch } from '../../shared/core/sampling.ts';
import type { Generation } from '../generation/generation.ts';
import type { Vote } from '../generation/generation-state.ts';
import type { MemberInterval, MemberShare, MemberStep } from '../run-events.ts';
import { assignUntil } from './assign-until.ts';
import { decideSkip, learnedFrom } from './decide-skip.ts';
import { requireEqualReplicas } from './replicas.ts';
import type { ShareBalancer } from './shares/share-balancer.ts';
import { createSpentReport } from './spent-report.ts';
import type { TrainContext, TrainSettings } from './train.ts';

export interface EpochRange {
  /** What the epoch has so far. */
  readonly totals: EpochTotals;
  /** The next step, counted from the start of the run. */
  readonly begin: number;
  /** Where the epoch ends, or the run before it. */
  readonly end: number;
  /** Steps before this one were committed once already, and lost. */
  readonly stepsBefore: number;
  /** Steps just before `begin` that were skipped as not finite. */
  readonly skippedInRow: number;
  /** Whether the workers are to stop for a checkpoint, or for another generation. Asked after every commit. */
  readonly isPauseDue: () => boolean;
  /** Called as soon as a step is committed, with the next one, and what the epoch, the last steps and this one have come to. */
  readonly onCommitted: (step: number, totals: EpochTotals, skippedInRow: number, figures: StepFigures) => void;
}

/**
 * Trains to the end of the range; less far where the run is interrupted, a budget is used up, or a pause is due.
 * @returns which budget is used up, if one is
 */
export async function trainSteps(
  generation: Generation,
  { training, trainCount }: TrainSettings,
  {
    clock,
    observe,
    signal,
    findSpentBudget = () => undefined,
    isBudgetNear = () => false,
    spentUsd = () => 0,
    record = () => {},
  }: TrainContext,
  balancer: ShareBalancer,
  { totals: before, begin, end: endOfRange, stepsBefore, isPauseDue, onCommitted, ...range }: EpochRange,
): Promise<string | undefined> {
  const { epoch } = before;
  const perStep = samplesPerStep(training);
  const perEpoch = stepsPerEpoch(trainCount, perStep);
  let spentBudget = findSpentBudget();
  let end = spentBudget !== undefined || signal.aborted ? begin : endOfRange;
  let assigned = begin;
  const sharesOfStep = new Map<number, readonly Interval[]>();
  let totals = before;
  let { skippedInRow } = range;
  let [committedAt, costBefore] = [clock.now(), spentUsd()];
  let stepSeconds: number | undefined;
  const report = createSpentReport(observe);

  try {
    for (let step = begin; step < end; step++) {
      const runsAhead = generation.runsAhead() && !isBudgetNear();
      const until = assignUntil({ step, assigned, runsAhead, stepSeconds });
      for (; assigned < Math.min(until, end); assigned++) {
        const batch = globalBatch(assigned % perEpoch, perStep, trainCount);
        sharesOfStep.set(assigned, generation.assign(assigned, epoch, batch, balancer.shares()));
      }
      const votes = await generation.votes(step);
      try {
        requireEqualReplicas(
          generation.members,
          votes.map(({ parametersChecksum }) => parametersChecksum),
          step,
        );
      } catch (error) {
        // Whoever is cut off in between may be at another step than the others, and could not be compared with them.
        report.tell();
        if (generation.runsAhead()) await generation.votes(assigned - 1);
        throw error;
      }
      const decision = decideSkip(generation.nonFinite(step), step, skippedInRow);
      if (decision.kind === 'stop') throw new PennygradError('diverged', decision.reason);
      const skipped = decision.kind === 'skip' ? decision.reason : undefined;
      skippedInRow = skipped === undefined ? 0 : skippedInRow + 1;
      const gradientNorm = skipped === undefined ? generation.gradientNorm(step) : undefined;
      const elapsed = clock.now() - committedAt;
      // The last step has what is left, so that all steps together have all of the time.
      const seconds = step === end - 1 ? elapsed : Math.min(elapsed, generation.ownSeconds(step) ?? elapsed);
      // The ledger's sums may differ in their last bits from one moment to the next.
      const usd = Math.max(0, spentUsd() - costBefore) * (elapsed > 0 ? seconds / elapsed : 1);
      const spent = generation.takeSpent(step);
      const phasesOf = new Map(spent.map((member) => [member.workerId, member.seconds]));
      const members = generation.members.flatMap(({ info: { workerId } }, rank): readonly MemberStep[] => {
        const phases = phasesOf.get(workerId);
        return phases === undefined ? [] : [{ workerId, samples: votes[rank]?.samples ?? 0, phases }];
      });
      const sum = sumVotes(votes);
      const { samples } = sum;
      const figures = { samples, ...learnedFrom(sum, skipped), seconds, usd };
      totals = addStep(totals, figures);
      const shares = intervalsOf(generation, sharesOfStep.get(step) ?? []);
      sharesOfStep.delete(step);
      const event = { type: 'step', step, epoch, members, shares, ...figures, gradientNorm } as const;
      // Votes of several steps come in one message. What is written and told of them is written and told together.
      // A step that is committed is on record before, whatever its members send.
      const isFollowed = generation.runsAhead() && step + 1 < end && generation.isVoted(step + 1);
      // Where steps are committed, a coordinator that is killed in between leaves one on record that nobody has.
      record(event, isFollowed);
      generation.commit(step, skipped !== undefined);
      onCommitted(step + 1, totals, skippedInRow, figures);
      observe(event);
      report.add(spent, step < stepsBefore || skipped !== undefined);
      if (!isFollowed) report.tell();
      const reason = balancer.observe(members);
      if (reason !== undefined)
        observe({ type: 'shares', step: assigned, shares: sharesOf(generation, balancer), reason });
      committedAt += seconds;
      costBefore += usd;
      stepSeconds = seconds;
      spentBudget ??= findSpentBudget();
      // Workers already have these assignments: finishing them leaves no rank in the middle of a step.
      if (signal.aborted || spentBudget !== undefined || isPauseDue()) end = assigned;
    }
  } finally {
    // What was to follow may have ended training.
    report.tell();
  }
  return spentBudget;
}

function intervalsOf({ members }: Generation, intervals: readonly Interval[]): readonly MemberInterval[] {
  return members.flatMap(({ info: { workerId } }, rank): readonly MemberInterval[] => {
    const interval = intervals[rank];
    return interval === undefined ? [] : [{ workerId, from: interval.from, to: interval.to }];
  });
}

/** Samples of a full global batch by member, in rank order. */
export function sharesOf({ members }: Generation, balancer: ShareBalancer): readonly MemberShare[] {
  const shares = balancer.shares();
  return members.map(({ info: { workerId } }, rank) => ({ workerId, samples: shares[rank] ?? 0 }));
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
