/** 2^-100 */
const negligible: f32 = 7.888609052210118e-31;

/**
 * One update of Adam (Kingma and Ba, 2015, algorithm 1), in one pass over a variable.
 *
 * `g = gradientSum / samples`, then `m = β1·m + (1 − β1)·g`, `v = β2·v + (1 − β2)·g²`,
 * `parameters −= learningRate · (m / (1 − β1ᵗ)) / (√(v / (1 − β2ᵗ)) + ε)`.
 * The moments are updated in place. The parameters are written to `out`, because tfjs's own kernels cache copies of
 * weights by their buffer.
 *
 * A moment below `negligible` becomes 0. The first moment of a unit without gradients would otherwise end as a subnormal number,
 * which 0.9 times rounds to itself, and processors take a hundred times as long for those: after a thousand steps of the CNN, a
 * tenth of all moments made the update three times as slow. No parameter shows it: with an ε of 1e-7, the first moment moves
 * none by more than 1e-23 times the learning rate, and the root of the second is lost in ε.
 * @param oneMinusBeta1 passed in because 1 − 0.999, computed in single precision, is off by 13 parts in a million
 * @param correction1 1 / (1 − β1ᵗ)
 * @param correction2 1 / (1 − β2ᵗ)
 */
export function adamUpdate(
  parameters: usize,
  gradientSum: usize,
  firstMoment: usize,
  secondMoment: usize,
  out: usize,
  count: i32,
  samples: f32,
  beta1: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  correction1: f32,
  correction2: f32,
  learningRate: f32,
  epsilon: f32,
): void {
  const keep1 = f32x4.splat(beta1);
  const take1 = f32x4.splat(oneMinusBeta1);
  const keep2 = f32x4.splat(beta2);
  const take2 = f32x4.splat(oneMinusBeta2);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = (<usize>i) << 2;
    const g = f32x4.div(v128.load(gradientSum + at), f32x4.splat(samples));
    const m = flush(f32x4.add(f32x4.mul(keep1, v128.load(firstMoment + at)), f32x4.mul(take1, g)));
    const v = flush(f32x4.add(f32x4.mul(keep2, v128.load(secondMoment + at)), f32x4.mul(take2, f32x4.mul(g, g))));
    const step = f32x4.div(
      f32x4.mul(f32x4.splat(learningRate), f32x4.mul(m, f32x4.splat(correction1))),
      f32x4.add(f32x4.sqrt(f32x4.mul(v, f32x4.splat(correction2))), f32x4.splat(epsilon)),
    );
    v128.store(firstMoment + at, m);
    v128.store(secondMoment + at, v);
    v128.store(out + at, f32x4.sub(v128.load(parameters + at), step));
  }
  for (; i < count; i++) {
    const at = (<usize>i) << 2;
    const g: f32 = load<f32>(gradientSum + at) / samples;
    const m: f32 = flushOne(beta1 * load<f32>(firstMoment + at) + oneMinusBeta1 * g);
    const v: f32 = flushOne(beta2 * load<f32>(secondMoment + at) + oneMinusBeta2 * (g * g));
    store<f32>(firstMoment + at, m);
    store<f32>(secondMoment + at, v);
    const step: f32 = (learningRate * (m * correction1)) / (sqrt<f32>(v * correction2) + epsilon);
    store<f32>(out + at, load<f32>(parameters + at) - step);
  }
}

/** NaN is not below it, and stays. */
function flush(moments: v128): v128 {
  return v128.andnot(moments, f32x4.lt(f32x4.abs(moments), f32x4.splat(negligible)));
}

function flushOne(moment: f32): f32 {
  return abs<f32>(moment) < negligible ? 0 : moment;
}
