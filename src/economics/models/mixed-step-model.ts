/**
 * How long a step of a mixed fleet takes. Each kind of worker has its own time per sample, c_k. Shares are balanced: every
 * worker takes a part of the batch in proportion to its speed, so that all finish computing at the same time.
 *
 *   t(n, B) = B / Σ (n_k / c_k) + m · (N − 1) + f,   N = Σ n_k,   c, m, f ≥ 0
 *
 * For equal workers this is the model of `step-model.ts`. With the ratios c_k / c_0 given it is that model with another
 * number of workers, so only the ratios are searched for. Both models are fitted by least squares of relative errors.
 */
import { badInput } from '../../shared/core/errors.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { type ModelError, modelError, type StepModel, solveTerms } from './step-model.ts';

/** A measured step of a fleet. */
export interface MixedStep {
  /** Workers of each kind. */
  readonly counts: readonly number[];
  readonly batch: number;
  readonly seconds: number;
}

export interface MixedStepModel extends Omit<StepModel, 'computePerSample'> {
  /** c in seconds, by kind. */
  readonly computePerSample: readonly number[];
}

/** One more than there are unknowns. */
const fewestPoints = (kinds: number) => kinds + 3;

/** The search assumes that no two kinds are further apart in speed. */
const mostRatio = 1000;

export function mixedStepSeconds(model: MixedStepModel, counts: readonly number[], batch: number): number {
  const { computePerSample, communicatePerWorker, fixed } = model;
  const speed = counts.reduce((sum, count, kind) => sum + (count === 0 ? 0 : count / (computePerSample[kind] ?? 0)), 0);
  return batch / speed + communicatePerWorker * (sumOf(counts) - 1) + fixed;
}

/**
 * @param steps one for each fleet and batch; all have the same number of `counts`
 * @throws bad-input when there are too few steps, or they are too similar to separate the terms and the kinds' speeds
 */
export function fitMixedStepModel(steps: readonly MixedStep[]): {
  readonly model: MixedStepModel;
  readonly error: ModelError;
  /** Seconds of each step as the others predict it; undefined where they do not determine the terms. */
  readonly foretold: readonly (number | undefined)[];
} {
  const kinds = steps[0]?.counts.length ?? 0;
  const rarest = Math.min(...Array.from({ length: kinds }, (_, kind) => stepsWith(steps, kind)));
  if (steps.length < fewestPoints(kinds) || rarest < 2) {
    throw badInput(
      `a model of ${kinds} kinds together needs at least ${fewestPoints(kinds)} points that differ in workers or batch, ` +
        `with each kind in at least two, and there are ${steps.length}; measure more: pennygrad sweep --heterogeneous --batch-size 64,256`,
    );
  }
  const solved = solve(steps);
  if (solved === undefined) {
    throw badInput(
      'the points are too similar to separate the speeds of the kinds, communication and fixed time; ' +
        'vary both fleets and batch: pennygrad sweep --heterogeneous --batch-size 64,256',
    );
  }
  const { model, ratios } = solved;
  const foretold = steps.map((step) => {
    const others = solve(
      steps.filter((other) => other !== step),
      ratios,
    );
    return others && mixedStepSeconds(others.model, step.counts, step.batch);
  });
  const modelled = steps.map(({ counts, batch }) => mixedStepSeconds(model, counts, batch));
  return { model, error: modelError(steps, modelled, foretold), foretold };
}

function stepsWith(steps: readonly MixedStep[], kind: number): number {
  return steps.filter(({ counts }) => (counts[kind] ?? 0) > 0).length;
}

interface Solved {
  readonly model: MixedStepModel;
  /** c_k / c_0 by kind. */
  readonly ratios: readonly number[];
}

/**
 * @param near ratios c_k / c_0 to search around; undefined searches everywhere
 * @returns undefined when the steps do not determine the terms or one of the ratios
 */
function solve(steps: readonly MixedStep[], near?: readonly number[]): Solved | undefined {
  const kinds = steps[0]?.counts.length ?? 0;
  const fitWith = (ratios: readonly number[]) =>
    solveTerms(
      steps.map(({ counts, batch, seconds }) => ({
        computed: batch / counts.reduce((sum, count, kind) => sum + count / (ratios[kind] ?? 1), 0),
        others: sumOf(counts) - 1,
        seconds,
      })),
    );
  const residualOf = (ratios: readonly number[]) => fitWith(ratios)?.residual ?? Number.POSITIVE_INFINITY;
  const ratios = searchRatios(near ?? Array<number>(kinds).fill(1), residualOf, near === undefined);
  const best = fitWith(ratios);
  if (best === undefined || (kinds > 1 && best.model.computePerSample === 0)) return undefined;
  const isFlat = ratios.some((ratio, kind) => {
    const nearby = [ratio / 1.5, ratio * 1.5].map((other) => residualOf(ratios.with(kind, other)));
    return kind > 0 && !nearby.every((residual) => residual > best.residual + 1e-12);
  });
  if (isFlat) return undefined;
  const { computePerSample, communicatePerWorker, fixed } = best.model;
  const model = { computePerSample: ratios.map((ratio) => ratio * computePerSample), communicatePerWorker, fixed };
  return { model, ratios };
}

/** Coordinate descent: improves one ratio at a time until none improves the fit. Two kinds have a single ratio. */
function searchRatios(
  start: readonly number[],
  residualOf: (ratios: readonly number[]) => number,
  everywhere: boolean,
): readonly number[] {
  let ratios = start;
  let before = residualOf(ratios);
  for (let round = 0; round < mostRounds && start.length > 1; round++) {
    for (let kind = 1; kind < ratios.length; kind++) {
      const others = ratios;
      const value = (log: number) => residualOf(others.with(kind, Math.exp(log)));
      const place = Math.log(others[kind] ?? 1);
      ratios = others.with(kind, Math.exp(lowestNear(value, everywhere && round === 0 ? scan(value) : place)));
    }
    const after = residualOf(ratios);
    if (start.length === 2 || before - after < 1e-9 * before) break;
    before = after;
  }
  return ratios;
}

const mostRounds = 20;
const stride = Math.log(mostRatio) / 24;

/** The lowest of evenly spaced places. */
function scan(value: (x: number) => number): number {
  const places = Array.from({ length: 49 }, (_, index) => (index - 24) * stride);
  return places.map((x) => ({ x, y: value(x) })).reduce((best, other) => (other.y < best.y ? other : best)).x;
}

/** Golden-section search around a place. */
function lowestNear(value: (x: number) => number, start: number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [start - stride, start + stride];
  let left = { x: high - golden * (high - low), y: 0 };
  let right = { x: low + golden * (high - low), y: 0 };
  left.y = value(left.x);
  right.y = value(right.x);
  while (high - low > 1e-7) {
    if (left.y < right.y) {
      high = right.x;
      right = left;
      const x = high - golden * (high - low);
      left = { x, y: value(x) };
    } else {
      low = left.x;
      left = right;
      const x = low + golden * (high - low);
      right = { x, y: value(x) };
    }
  }
  return (low + high) / 2;
}
