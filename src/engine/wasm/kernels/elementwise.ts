/** Element-wise functions, for activations that are not part of another kernel. */
import {
  binaryAdd,
  binaryEluGradient,
  binaryMultiply,
  binarySubtract,
  unaryElu,
  unaryRelu,
  unarySigmoid,
  unarySquare,
  unaryStep,
  unaryTanh,
} from '../trace/opcodes';
import { loadLanes, multiplyAdd, storeLanes } from './simd';

/** `out[i] = f(x[i])`. */
export function mapUnary(f: i32, x: usize, out: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = (<usize>i) << 2;
    v128.store(out + at, unary(f, v128.load(x + at)));
  }
  if (i < count) {
    const at = (<usize>i) << 2;
    const rest = unary(f, loadLanes(x + at, count - i));
    storeLanes(out + at, rest, rest, count - i);
  }
}

/** `out[i] = f(a[i % aCount], b[i % bCount])`: a shorter operand is repeated. */
export function mapBinary(f: i32, a: usize, b: usize, out: usize, count: i32, aCount: i32, bCount: i32): void {
  let i = 0;
  if ((aCount === count || aCount === 1) && (bCount === count || bCount === 1)) {
    for (; i + 4 <= count; i += 4) {
      const at = (<usize>i) << 2;
      const left = aCount === 1 ? v128.load32_splat(a) : v128.load(a + at);
      const right = bCount === 1 ? v128.load32_splat(b) : v128.load(b + at);
      v128.store(out + at, binary(f, left, right));
    }
  }
  for (; i < count; i++) {
    const left = v128.load32_splat(a + ((<usize>(i % aCount)) << 2));
    const right = v128.load32_splat(b + ((<usize>(i % bCount)) << 2));
    store<f32>(out + ((<usize>i) << 2), f32x4.extract_lane(binary(f, left, right), 0));
  }
}

function unary(f: i32, x: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  if (f === unaryRelu) return f32x4.max(x, zero);
  if (f === unaryStep) return v128.and(one, f32x4.gt(x, zero));
  if (f === unarySigmoid) return f32x4.div(one, f32x4.add(one, exponential(f32x4.neg(x))));
  if (f === unaryTanh) return hyperbolicTangent(x);
  if (f === unaryElu) return v128.bitselect(x, f32x4.sub(exponential(x), one), f32x4.gt(x, zero));
  if (f === unarySquare) return f32x4.mul(x, x);
  return zero;
}

function binary(f: i32, a: v128, b: v128): v128 {
  if (f === binaryAdd) return f32x4.add(a, b);
  if (f === binarySubtract) return f32x4.sub(a, b);
  if (f === binaryMultiply) return f32x4.mul(a, b);
  if (f === binaryEluGradient) {
    const slope = f32x4.add(b, f32x4.splat(1));
    return v128.bitselect(a, f32x4.mul(a, slope), f32x4.ge(b, f32x4.splat(0)));
  }
  return f32x4.splat(0);
}

/**
 * eˣ to about 1e-7, by x = n·ln 2 + r and a polynomial in r (Cephes, expf.c). No table: modules have no static data.
 */
function exponential(x: v128): v128 {
  const clamped = f32x4.min(f32x4.max(x, f32x4.splat(-87.3)), f32x4.splat(88.3));
  const n = f32x4.nearest(f32x4.mul(clamped, f32x4.splat(<f32>Math.LOG2E)));
  let r = multiplyAdd(n, f32x4.splat(-0.693359375), clamped);
  r = multiplyAdd(n, f32x4.splat(2.1219444e-4), r);
  let p = f32x4.splat(1.98756915e-4);
  p = multiplyAdd(p, r, f32x4.splat(1.3981999507e-3));
  p = multiplyAdd(p, r, f32x4.splat(8.3334519073e-3));
  p = multiplyAdd(p, r, f32x4.splat(4.1665795894e-2));
  p = multiplyAdd(p, r, f32x4.splat(1.6666665459e-1));
  p = multiplyAdd(p, r, f32x4.splat(0.5));
  const fraction = f32x4.add(multiplyAdd(p, f32x4.mul(r, r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(fraction, power);
}

/** Uses the exponential, or near zero, where that is inexact, a polynomial (Cephes, tanhf.c). */
function hyperbolicTangent(x: v128): v128 {
  const one = f32x4.splat(1);
  const two = f32x4.splat(2);
  const far = f32x4.sub(one, f32x4.div(two, f32x4.add(exponential(f32x4.mul(two, x)), one)));
  const square = f32x4.mul(x, x);
  let p = f32x4.splat(-5.70498872745e-3);
  p = multiplyAdd(p, square, f32x4.splat(2.06390887954e-2));
  p = multiplyAdd(p, square, f32x4.splat(-5.37397155531e-2));
  p = multiplyAdd(p, square, f32x4.splat(1.33314422036e-1));
  p = multiplyAdd(p, square, f32x4.splat(-3.33332819422e-1));
  const near = multiplyAdd(f32x4.mul(p, square), x, x);
  return v128.bitselect(near, far, f32x4.lt(f32x4.abs(x), f32x4.splat(0.625)));
}
