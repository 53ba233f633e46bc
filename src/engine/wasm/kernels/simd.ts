/** Operations on vectors of four float32: a multiply-add for either flavour, and loads and stores of some lanes. */

/** `a × b + c`. Rounds once if relaxed SIMD compiles to a fused instruction, and twice otherwise. */
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** The gradient of a rectifier, by lanes: `activation > 0 ? gradient : 0`. */
export function whereActive(gradient: v128, activation: v128): v128 {
  return v128.and(gradient, f32x4.gt(activation, f32x4.splat(0)));
}

/** Stores the first `count` (1 to 7) lanes of two vectors. */
export function storeLanes(address: usize, low: v128, high: v128, count: i32): void {
  let rest = low;
  if (count >= 4) {
    v128.store(address, low);
    address += 16;
    count -= 4;
    rest = high;
  }
  if (count > 0) store<f32>(address, f32x4.extract_lane(rest, 0));
  if (count > 1) store<f32>(address, f32x4.extract_lane(rest, 1), 4);
  if (count > 2) store<f32>(address, f32x4.extract_lane(rest, 2), 8);
}

/** Loads `min(count, 4)` floats. The other lanes are zeros. */
export function loadLanes(address: usize, count: i32): v128 {
  let lanes = f32x4.splat(0);
  if (count > 0) lanes = v128.load32_zero(address);
  if (count > 1) lanes = f32x4.replace_lane(lanes, 1, load<f32>(address, 4));
  if (count > 2) lanes = f32x4.replace_lane(lanes, 2, load<f32>(address, 8));
  if (count > 3) lanes = f32x4.replace_lane(lanes, 3, load<f32>(address, 12));
  return lanes;
}
