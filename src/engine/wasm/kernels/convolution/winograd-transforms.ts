/**
 * The one-dimensional transforms of Winograd's F(4, 3), which computes four outputs of a three-tap correlation from
 * six inputs with six multiplications instead of twelve (Lavin and Gray, "Fast algorithms for convolutional neural
 * networks", 2015, 4.3).
 *
 *   y = Aᵀ ((G g) ⊙ (Bᵀ d))
 *
 * Gradients use the transposes of the same three matrices. In two dimensions, one transform runs along the columns of a
 * patch and one along its rows. Every function reads vectors of four channels that are `fromStride` bytes apart, and
 * writes vectors that are `toStride` bytes apart.
 */
import { multiplyAdd } from '../simd';

/** `Bᵀ d`: six inputs to six. */
export function transformInput(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const d0 = v128.load(from);
  const d1 = v128.load(from + fromStride);
  const d2 = v128.load(from + 2 * fromStride);
  const d3 = v128.load(from + 3 * fromStride);
  const d4 = v128.load(from + 4 * fromStride);
  const d5 = v128.load(from + 5 * fromStride);
  const four = f32x4.splat(4);
  const minusFour = f32x4.splat(-4);
  const minusFive = f32x4.splat(-5);
  const even = multiplyAdd(minusFour, d2, d4);
  const odd = multiplyAdd(minusFour, d1, d3);
  const evenDifference = f32x4.sub(d4, d2);
  const oddDifference = f32x4.sub(d3, d1);
  const twice = f32x4.add(oddDifference, oddDifference);
  v128.store(to, multiplyAdd(four, d0, multiplyAdd(minusFive, d2, d4)));
  v128.store(to + toStride, f32x4.add(even, odd));
  v128.store(to + 2 * toStride, f32x4.sub(even, odd));
  v128.store(to + 3 * toStride, f32x4.add(evenDifference, twice));
  v128.store(to + 4 * toStride, f32x4.sub(evenDifference, twice));
  v128.store(to + 5 * toStride, multiplyAdd(four, d1, multiplyAdd(minusFive, d3, d5)));
}

/** `B v`: the gradient of `transformInput`. Adds the first `count` of six results to what is at `to`. */
export function addInputGradient(from: usize, fromStride: usize, to: usize, toStride: usize, count: i32): void {
  const v0 = v128.load(from);
  const v1 = v128.load(from + fromStride);
  const v2 = v128.load(from + 2 * fromStride);
  const v3 = v128.load(from + 3 * fromStride);
  const v4 = v128.load(from + 4 * fromStride);
  const v5 = v128.load(from + 5 * fromStride);
  const four = f32x4.splat(4);
  const two = f32x4.splat(2);
  const minusFour = f32x4.splat(-4);
  const minusFive = f32x4.splat(-5);
  const sum12 = f32x4.add(v1, v2);
  const sum34 = f32x4.add(v3, v4);
  const difference12 = f32x4.sub(v1, v2);
  const difference34 = f32x4.sub(v3, v4);
  add(to, f32x4.mul(four, v0));
  if (count > 1) {
    const inner = multiplyAdd(minusFour, difference12, f32x4.mul(four, v5));
    add(to + toStride, f32x4.sub(inner, f32x4.mul(two, difference34)));
  }
  if (count > 2) {
    add(to + 2 * toStride, f32x4.sub(multiplyAdd(minusFive, v0, f32x4.mul(minusFour, sum12)), sum34));
  }
  if (count > 3) {
    add(to + 3 * toStride, multiplyAdd(minusFive, v5, multiplyAdd(two, difference34, difference12)));
  }
  if (count > 4) add(to + 4 * toStride, f32x4.add(v0, f32x4.add(sum12, sum34)));
  if (count > 5) add(to + 5 * toStride, v5);
}

/** `Aᵀ m`: six products to four outputs. */
export function transformOutput(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const m1 = v128.load(from + fromStride);
  const m2 = v128.load(from + 2 * fromStride);
  const m3 = v128.load(from + 3 * fromStride);
  const m4 = v128.load(from + 4 * fromStride);
  const sum12 = f32x4.add(m1, m2);
  const sum34 = f32x4.add(m3, m4);
  const difference12 = f32x4.sub(m1, m2);
  const difference34 = f32x4.sub(m3, m4);
  const last = f32x4.add(difference12, v128.load(from + 5 * fromStride));
  v128.store(to, f32x4.add(v128.load(from), f32x4.add(sum12, sum34)));
  v128.store(to + toStride, multiplyAdd(f32x4.splat(2), difference34, difference12));
  v128.store(to + 2 * toStride, multiplyAdd(f32x4.splat(4), sum34, sum12));
  v128.store(to + 3 * toStride, multiplyAdd(f32x4.splat(8), difference34, last));
}

/** `A y`: the gradient of `transformOutput`, four to six. */
export function transformOutputGradient(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const y0 = v128.load(from);
  const y1 = v128.load(from + fromStride);
  const y2 = v128.load(from + 2 * fromStride);
  const y3 = v128.load(from + 3 * fromStride);
  const four = f32x4.splat(4);
  const even = f32x4.add(y0, y2);
  const odd = f32x4.add(y1, y3);
  const evenFour = multiplyAdd(four, y2, y0);
  const oddFour = multiplyAdd(four, y3, y1);
  const oddEight = f32x4.add(oddFour, oddFour);
  v128.store(to, y0);
  v128.store(to + toStride, f32x4.add(even, odd));
  v128.store(to + 2 * toStride, f32x4.sub(even, odd));
  v128.store(to + 3 * toStride, f32x4.add(evenFour, oddEight));
  v128.store(to + 4 * toStride, f32x4.sub(evenFour, oddEight));
  v128.store(to + 5 * toStride, y3);
}

/** `G g`: three taps to six. */
export function transformFilter(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const g0 = v128.load(from);
  const g1 = v128.load(from + fromStride);
  const g2 = v128.load(from + 2 * fromStride);
  const outer = f32x4.mul(f32x4.splat(-1.0 / 6), f32x4.add(g0, g2));
  const middle = f32x4.mul(f32x4.splat(1.0 / 6), g1);
  const half = f32x4.mul(f32x4.splat(0.5), middle);
  const uneven = multiplyAdd(f32x4.splat(1.0 / 24), g0, f32x4.mul(f32x4.splat(1.0 / 6), g2));
  v128.store(to, f32x4.mul(f32x4.splat(0.25), g0));
  v128.store(to + toStride, f32x4.sub(outer, middle));
  v128.store(to + 2 * toStride, f32x4.add(outer, middle));
  v128.store(to + 3 * toStride, f32x4.add(uneven, half));
  v128.store(to + 4 * toStride, f32x4.sub(uneven, half));
  v128.store(to + 5 * toStride, g2);
}

/** `Gᵀ u`: the gradient of `transformFilter`, six to three. */
export function transformFilterGradient(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const u1 = v128.load(from + fromStride);
  const u2 = v128.load(from + 2 * fromStride);
  const u3 = v128.load(from + 3 * fromStride);
  const u4 = v128.load(from + 4 * fromStride);
  const sixth = f32x4.splat(1.0 / 6);
  const sum12 = f32x4.mul(f32x4.splat(-1.0 / 6), f32x4.add(u1, u2));
  const sum34 = f32x4.add(u3, u4);
  const inner = multiplyAdd(f32x4.splat(1.0 / 24), sum34, sum12);
  v128.store(to, multiplyAdd(f32x4.splat(0.25), v128.load(from), inner));
  const difference34 = f32x4.mul(f32x4.splat(1.0 / 12), f32x4.sub(u3, u4));
  v128.store(to + toStride, multiplyAdd(sixth, f32x4.sub(u2, u1), difference34));
  v128.store(to + 2 * toStride, f32x4.add(multiplyAdd(sixth, sum34, sum12), v128.load(from + 5 * fromStride)));
}

function add(address: usize, values: v128): void {
  v128.store(address, f32x4.add(v128.load(address), values));
}
