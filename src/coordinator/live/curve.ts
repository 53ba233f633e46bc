import type { CurvePoint, LiveCurve } from '../../shared/protocol/live/live-state.ts';

/**
 * Enough points for a smooth curve, few enough that each is a mean over many steps and that sending them is cheap. Even.
 */
const mostPoints = 200;

export const noCurve: LiveCurve = { stepsPerPoint: 1, points: [] };

/**
 * Adds a step. A full curve is halved by merging neighbouring points, so that a run of any length fits and every point
 * remains an exact mean.
 *
 * @param step the point of a single step
 */
export function extendCurve({ stepsPerPoint, points }: LiveCurve, step: CurvePoint): LiveCurve {
  const last = points.at(-1);
  // A point is complete when its last step is a multiple of stepsPerPoint.
  const open = last !== undefined && last.step % stepsPerPoint !== 0;
  if (open) return { stepsPerPoint, points: points.with(-1, merge(last, step)) };
  if (points.length < mostPoints) return { stepsPerPoint, points: [...points, step] };
  const halved = points.flatMap((point, index) => {
    const next = points[index + 1];
    return index % 2 === 0 ? [next === undefined ? point : merge(point, next)] : [];
  });
  return extendCurve({ stepsPerPoint: stepsPerPoint * 2, points: halved }, step);
}

function merge(first: CurvePoint, second: CurvePoint): CurvePoint {
  return {
    step: second.step,
    samples: first.samples + second.samples,
    lossSum: first.lossSum + second.lossSum,
    correct: first.correct + second.correct,
    seconds: first.seconds + second.seconds,
  };
}
