/**
 * How long a step takes, by workers N and batch B: the workers share the computing, every worker after the first adds
 * communication (the star sums gradients one by one), and some time is fixed:
 *
 *   t(N, B) = c · B / N + m · (N − 1) + f,   c, m, f ≥ 0
 *
 * Fitted by least squares of relative errors, so that short steps count as much as long ones.
 */
import { badInput } from '../../shared/core/errors.ts';

export interface MeasuredStep {
  readonly workers: number;
  readonly batch: number;
  readonly seconds: number;
}

export interface StepModel {
  /** c in seconds. */
  readonly computePerSample: number;
  /** m in seconds. */
  readonly communicatePerWorker: number;
  /** f in seconds. */
  readonly fixed: number;
}

/** How far a model is from what was measured, as a fraction of the measured value. */
export interface ModelError {
  readonly mean: number;
  readonly worst: number;
  /** The largest error when each point is predicted from the others; undefined when there are too few points for that. */
  readonly worstForetold: number | undefined;
}

/** One more than there are unknowns: with fewer points any model fits, and its error means nothing. */
const fewestPoints = 4;

export function modelledStepSeconds(model: StepModel, workers: number, batch: number): number {
  return (model.computePerSample * batch) / workers + model.communicatePerWorker * (workers - 1) + model.fixed;
}

/**
 * @param steps of one kind of worker, one for each number of workers and batch
 * @throws bad-input when there are too few steps, or they are too similar to separate the three terms
 */
export function fitStepModel(steps: readonly MeasuredStep[]): {
  readonly model: StepModel;
  readonly error: ModelError;
  /** Seconds of each step as the others predict it; undefined where they do not determine the terms. */
  readonly foretold: readonly (number | undefined)[];
} {
  if (steps.length < fewestPoints) {
    throw badInput(
      `a model needs at least ${fewestPoints} points that differ in workers or batch, and there are ${steps.length}; ` +
        'measure more: pennygrad sweep --workers 1,2 --batch-size 64,256',
    );
  }
  const model = solve(steps);
  if (model === undefined) {
    throw badInput(
      'the points are too similar to separate computing, communication and fixed time; ' +
        'vary both workers and batch: pennygrad sweep --workers 1,2 --batch-size 64,256',
    );
  }
  const foretold = steps.map((step) => {
    const others = solve(steps.filter((other) => other !== step));
    return others && modelledStepSeconds(others, step.workers, step.batch);
  });
  const modelled = steps.map(({ workers, batch }) => modelledStepSeconds(model, workers, batch));
  return { model, error: modelError(steps, modelled, foretold), foretold };
}

/**
 * @param modelled seconds of each step by the model
 * @param foretold the same by the model of the other steps
 */
export function modelError(
  steps: readonly { readonly seconds: number }[],
  modelled: readonly number[],
  foretold: readonly (number | undefined)[],
): ModelError {
  const errorsOf = (values: readonly number[]) =>
    values.map((value, index) => Math.abs(value / (steps[index]?.seconds ?? 0) - 1));
  const errors = errorsOf(modelled);
  return {
    mean: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    worst: Math.max(...errors),
    worstForetold: foretold.every((seconds) => seconds !== undefined) ? Math.max(...errorsOf(foretold)) : undefined,
  };
}

/** Which of the three unknowns are not 0. Trying all seven subsets finds the best fit without a negative unknown. */
const subsets = [[0, 1, 2], [0, 1], [0, 2], [1, 2], [0], [1], [2]] as const;

/** @returns undefined when the steps do not determine the three terms */
function solve(steps: readonly MeasuredStep[]): StepModel | undefined {
  return solveTerms(
    steps.map(({ workers, batch, seconds }) => ({ computed: batch / workers, others: workers - 1, seconds })),
  )?.model;
}

/** A measured step, by the quantities that its terms are proportional to. */
export interface StepTerms {
  /** Samples that one worker with time c per sample would compute in the same time. */
  readonly computed: number;
  /** Workers after the first. */
  readonly others: number;
  readonly seconds: number;
}

/**
 * The best-fitting terms and the sum of squared relative errors.
 * @returns undefined when the steps do not determine the three terms
 */
export function solveTerms(
  steps: readonly StepTerms[],
): { readonly model: StepModel; readonly residual: number } | undefined {
  // Divided by the measured seconds, every target is 1.
  const rows = steps.map(({ computed, others, seconds }) => [computed, others, 1].map((x) => x / seconds));
  if (leastSquares(rows, [0, 1, 2]) === undefined) return undefined;
  const fits = subsets.flatMap((subset) => {
    const found = leastSquares(rows, subset);
    if (found === undefined || found.some((value) => value < 0)) return [];
    const residual = rows.reduce((sum, row) => sum + (row.reduce((t, x, i) => t + x * (found[i] ?? 0), 0) - 1) ** 2, 0);
    return [{ found, residual }];
  });
  const best = fits.sort((a, b) => a.residual - b.residual)[0];
  if (best === undefined) return undefined;
  const [computePerSample = 0, communicatePerWorker = 0, fixed = 0] = best.found;
  return { model: { computePerSample, communicatePerWorker, fixed }, residual: best.residual };
}

/** The coefficients of the columns in `subset`, 0 for the others; undefined when the columns are linearly dependent. */
function leastSquares(rows: readonly (readonly number[])[], subset: readonly number[]): readonly number[] | undefined {
  // Columns are scaled to length 1, so that the test for dependence does not depend on units.
  const lengths = subset.map((column) => Math.hypot(...rows.map((row) => row[column] ?? 0)));
  if (lengths.some((length) => length === 0)) return undefined;
  const columns = subset.map((column, i) => rows.map((row) => (row[column] ?? 0) / (lengths[i] ?? 1)));
  // Modified Gram–Schmidt: each column is made orthogonal to those before it.
  const solution = subset.map(() => 0);
  const triangle = subset.map(() => subset.map(() => 0));
  let target = rows.map(() => 1);
  const projections: number[] = [];
  const basis: number[][] = [];
  for (const [k, column] of columns.entries()) {
    let rest = column;
    for (const [j, unit] of basis.entries()) {
      const shared = dot(unit, rest);
      set(triangle, j, k, shared);
      rest = rest.map((value, i) => value - shared * (unit[i] ?? 0));
    }
    const length = Math.hypot(...rest);
    if (length < 1e-6) return undefined;
    set(triangle, k, k, length);
    const unit = rest.map((value) => value / length);
    const along = dot(unit, target);
    projections.push(along);
    target = target.map((value, i) => value - along * (unit[i] ?? 0));
    basis.push(unit);
  }
  for (let k = subset.length - 1; k >= 0; k--) {
    const known = solution.reduce((sum, value, j) => (j > k ? sum + (triangle[k]?.[j] ?? 0) * value : sum), 0);
    solution[k] = ((projections[k] ?? 0) - known) / (triangle[k]?.[k] ?? 1);
  }
  const coefficients = [0, 0, 0];
  for (const [i, column] of subset.entries()) coefficients[column] = (solution[i] ?? 0) / (lengths[i] ?? 1);
  return coefficients;
}

function set(matrix: number[][], row: number, column: number, value: number): void {
  const line = matrix[row];
  if (line !== undefined) line[column] = value;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
