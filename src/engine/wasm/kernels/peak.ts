import { multiplyAdd } from './simd';

/**
 * Runs ten independent chains of multiply-adds. No kernel can do more operations per second.
 * @returns a number that depends on all chains, so that the compiler removes none
 */
export function multiplyAddChains(iterations: i32): f32 {
  const a = f32x4.splat(1.0000001);
  const b = f32x4.splat(1e-7);
  let c0 = b;
  let c1 = b;
  let c2 = b;
  let c3 = b;
  let c4 = b;
  let c5 = b;
  let c6 = b;
  let c7 = b;
  let c8 = b;
  let c9 = b;
  for (let i = iterations; i > 0; i--) {
    c0 = multiplyAdd(a, c0, b);
    c1 = multiplyAdd(a, c1, b);
    c2 = multiplyAdd(a, c2, b);
    c3 = multiplyAdd(a, c3, b);
    c4 = multiplyAdd(a, c4, b);
    c5 = multiplyAdd(a, c5, b);
    c6 = multiplyAdd(a, c6, b);
    c7 = multiplyAdd(a, c7, b);
    c8 = multiplyAdd(a, c8, b);
    c9 = multiplyAdd(a, c9, b);
  }
  const low = f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), c4);
  const high = f32x4.add(f32x4.add(f32x4.add(c5, c6), f32x4.add(c7, c8)), c9);
  return f32x4.extract_lane(f32x4.add(low, high), 0);
}
