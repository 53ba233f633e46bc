/** One update of plain gradient descent: `out = parameters − learningRate · gradientSum / samples`. */
export function sgdUpdate(
  parameters: usize,
  gradientSum: usize,
  out: usize,
  count: i32,
  samples: f32,
  learningRate: f32,
): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = (<usize>i) << 2;
    const g = f32x4.div(v128.load(gradientSum + at), f32x4.splat(samples));
    v128.store(out + at, f32x4.sub(v128.load(parameters + at), f32x4.mul(f32x4.splat(learningRate), g)));
  }
  for (; i < count; i++) {
    const at = (<usize>i) << 2;
    store<f32>(out + at, load<f32>(parameters + at) - learningRate * (load<f32>(gradientSum + at) / samples));
  }
}
