import type { CurvePoint, LiveCurve } from '../../shared/protocol/live/live-state.ts';

/** Even. Enough for the eye, few enough that a point is the mean of many steps, and cheap to send. */
const mostPoints = 200;

export const noCurve: LiveCurve = { stepsPerPoint: 1, points: [] };

/**
 * Adds a step. A curve that is full is halved by merging neighbours, so that a run of any length fits, and every point
 * stays an exact mean.
 *
 * @param step a point of this one step
 */
export function extendCurve({ stepsPerPoint, points }: LiveCurve, step: CurvePoint): LiveCurve {
  const last = points.at(-1);
  // Points end at multiples of stepsPerPoint.
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
