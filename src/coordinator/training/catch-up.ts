/**
 * Steps that workers have applied and that are not on record. Where steps are not committed, workers go on with what they were
 * assigned before their coordinator has it on record: it may die meanwhile, or lose the one whose votes it lacks. Each of the
 * others can tell what the steps came to.
 */
import type { Interval } from '../../shared/core/sampling.ts';
import type { Applied, Trained } from '../../shared/protocol/messages.ts';
import { checkFigures } from '../generation/figures-check.ts';

/** What a worker says of its replica. */
export interface ToldState {
  readonly workerId: string;
  readonly applied?: Applied | undefined;
  readonly trained?: Trained | undefined;
}

export interface UnrecordedStep {
  /** Counted from 0. */
  readonly step: number;
  readonly shares: readonly (Interval & { readonly workerId: string })[];
  readonly samples: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly isSkipped: boolean;
}

export interface UnrecordedSteps {
  /** Who told of them. */
  readonly workerId: string;
  /** What is on record before the first of them. */
  readonly since: Applied;
  /** In order. */
  readonly steps: readonly UnrecordedStep[];
  /** What they led to. */
  readonly applied: Applied;
}

export interface Recorded {
  readonly savedStep: number;
  /**
   * The generation that committed a step, by the record; undefined where that ends before the step.
   * @param isFollowed a worker has steps after this one
   */
  readonly generationAt: (step: number, isFollowed: boolean) => number | undefined;
  /** The global batch of a step, counted from 0. */
  readonly batchOf: (step: number) => Interval;
}

/**
 * The longest way that somebody has gone on from what is on record.
 * @returns undefined where nobody has such steps, or they do not follow from what is on record
 */
export function findUnrecorded(told: readonly ToldState[], recorded: Recorded): UnrecordedSteps | undefined {
  return told
    .flatMap(({ workerId, applied, trained }) =>
      applied === undefined || trained === undefined ? [] : { workerId, applied, trained },
    )
    .sort((a, b) => b.applied.step - a.applied.step)
    .map((one) => follow(one, recorded))
    .find((found) => found !== undefined);
}

/** What a worker says that has trained steps. */
interface ToldSteps {
  readonly workerId: string;
  readonly applied: Applied;
  readonly trained: Trained;
}

function follow({ workerId, applied, trained }: ToldSteps, recorded: Recorded): UnrecordedSteps | undefined {
  const { since: first, generation } = trained;
  for (let step = applied.step; step >= Math.max(first.step, recorded.savedStep); step--) {
    const isFollowed = step < applied.step;
    const known = recorded.generationAt(step, isFollowed);
    if (known === undefined) continue;
    const since = step === first.step ? first : { step, generation };
    if (!isFollowed || known !== since.generation) return undefined;
    const steps = describeSteps(trained, since.step, recorded.batchOf);
    return steps && { workerId, since, steps, applied };
  }
  return undefined;
}

/** @returns the steps from `begin` on; undefined where they cannot have been so */
function describeSteps(
  { since, steps, workers }: Trained,
  begin: number,
  batchOf: Recorded['batchOf'],
): readonly UnrecordedStep[] | undefined {
  const described = steps.slice(begin - since.step).map((told, place) => {
    const step = begin + place;
    const { from, to } = batchOf(step);
    const { bounds, lossSum, correct, skipped } = told;
    const isWhole = bounds[0] === from && bounds.at(-1) === to && bounds.length === workers.length + 1;
    const samples = to - from;
    const isPossible = bounds.every((bound, rank) => bound >= (bounds[rank - 1] ?? from));
    if (!isWhole || !isPossible || checkFigures({ samples, lossSum, correct }, samples, 'a report', ''))
      return undefined;
    const shares = workers.map((workerId, rank) => ({
      workerId,
      from: bounds[rank] ?? from,
      to: bounds[rank + 1] ?? to,
    }));
    return { step, shares, samples, lossSum, correct, isSkipped: skipped === true };
  });
  const possible = described.flatMap((step) => step ?? []);
  return possible.length === described.length ? possible : undefined;
}
