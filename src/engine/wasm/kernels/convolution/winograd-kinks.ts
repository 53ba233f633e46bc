/**
 * Outputs of a convolution by Winograd's method that are near a *kink* are summed again, by the definition.
 *
 * A rectifier asks whether an output is positive, and pooling asks which of four is the largest. The gradient jumps with
 * the answer. Winograd's method rounds worse than a plain sum, because every output depends on all 36 inputs of its tile,
 * and most of their parts cancel. Where an output is exactly 0, as it is in blank areas while biases are 0, only rounding
 * is left of it, and a rectifier takes half of that for active units. Two cases are treated:
 *
 * - *Background*: neighbourhoods in which every pixel equals the first of the image. They are a sixth of MNIST's outputs,
 *   and have the same exact output. It is summed once, and all of them get it.
 * - Any other output that is nearer than a tolerance to 0, or to the largest of its 2×2 window. Only chance brings it
 *   there: about one window in a thousand has one.
 *
 * No output is set to zero for being small. The tolerance decides which outputs are summed in double precision, so one that
 * is too large costs time, and one that is too small leaves an answer to rounding, as it was.
 *
 * The tolerance is `16 · √channels · 2⁻²⁴ · max|x| · max‖w‖`, where `max|x|` is the largest input of the image and `max‖w‖`
 * the largest Euclidean norm of the weights of an output. Its form is that of rounding errors that are independent: a
 * product's error is up to 2⁻²⁴ of it, the sum over inputs adds errors by their squares as it adds the weights, and the
 * running sum over `channels` rounds as often, which gives the root. The factor is measured, and no bound. Without the 16,
 * the root mean square of the errors is about 1 on noise (1.3 with 8 channels, 0.9 to 1.0 with 32 to 512) and 0.3 on MNIST;
 * the largest errors among 8,000 to 62,000 are 11 to 17 and 6. Weights all of one sign, whose outputs are far larger, come
 * to 3 to 7 and 28, and to 13 and 47 on nearly constant images. (A bound for all inputs would add every error with the
 * same sign, and have far more outputs summed again.)
 */

const toleranceFactor: f32 = 16;

/** Size of the marks of an image: a byte for each pixel, and what the last tile reads past them. */
export function backgroundBytes(outHeight: i32, outWidth: i32): i32 {
  return (outHeight + 6) * (outWidth + 2) + 8;
}

/** The largest Euclidean norm of the weights of an output channel. `columns` is a multiple of four. */
export function largestNorm(filter: usize, rows: i32, columns: i32): f32 {
  const rowBytes = (<usize>columns) << 2;
  let largest = f32x4.splat(0);
  for (let column: usize = 0; column < rowBytes; column += 16) {
    let squares = f32x4.splat(0);
    let from = filter + column;
    for (let row = 0; row < rows; row++) {
      const weights = v128.load(from);
      squares = f32x4.add(squares, f32x4.mul(weights, weights));
      from += rowBytes;
    }
    largest = f32x4.pmax(largest, squares);
  }
  return sqrt<f32>(largestLane(largest));
}

/** How near to a kink rounding may put an output. */
export function kinkTolerance(largestInput: f32, largestNorm: f32, channels: i32): f32 {
  return toleranceFactor * sqrt<f32>(<f32>channels) * <f32>(1.0 / 16777216) * largestInput * largestNorm;
}

/**
 * Writes a byte for each pixel of an image: 0 if it equals the first one bit for bit, in all channels.
 * @param channels a multiple of eight
 * @returns the largest magnitude in the image
 */
export function markBackground(image: usize, marks: usize, pixels: i32, channels: i32): f32 {
  const pixelBytes = (<usize>channels) << 2;
  const end = marks + <usize>pixels;
  let largest = f32x4.splat(0);
  let pixel = image;
  for (let mark = marks; mark < end; mark++) {
    let differences = i32x4.splat(0);
    for (let channel: usize = 0; channel < pixelBytes; channel += 32) {
      const low = v128.load(pixel + channel);
      const high = v128.load(pixel + channel, 16);
      const lowDifferences = v128.xor(low, v128.load(image + channel));
      const highDifferences = v128.xor(high, v128.load(image + channel, 16));
      differences = v128.or(differences, v128.or(lowDifferences, highDifferences));
      largest = f32x4.pmax(largest, f32x4.pmax(f32x4.abs(low), f32x4.abs(high)));
    }
    store<u8>(mark, <u8>v128.any_true(differences));
    pixel += pixelBytes;
  }
  return largestLane(largest);
}

/**
 * Which of a tile's 4×4 outputs see background alone, as bits in row-major order.
 * @param marks of the tile's first pixel
 * @param rows rows of the tile that are outputs; what is past them has no bits
 */
export function backgroundCells(marks: usize, width: i32, rows: i32, columns: i32): i32 {
  const stride = <usize>width;
  const row0 = markedTriples(marks);
  const row1 = markedTriples(marks + stride);
  const row2 = markedTriples(marks + 2 * stride);
  const row3 = markedTriples(marks + 3 * stride);
  const row4 = markedTriples(marks + 4 * stride);
  const row5 = markedTriples(marks + 5 * stride);
  const inner = row2 | row3;
  const cells =
    zeroBytes(row0 | row1 | row2) |
    (zeroBytes(row1 | inner) << 4) |
    (zeroBytes(inner | row4) << 8) |
    (zeroBytes(row3 | row4 | row5) << 12);
  const firstColumn = 0x1111 & ((1 << (4 * rows)) - 1);
  return cells & (firstColumn * ((1 << columns) - 1));
}

/** Four bytes: each is 1 if one of the three marks from there on is. */
function markedTriples(marks: usize): i32 {
  const row = load<u64>(marks);
  return <i32>(row | (row >> 8) | (row >> 16));
}

/** Which of four bytes that are 0 or 1 are 0, as bits. */
function zeroBytes(bytes: i32): i32 {
  const zeros = ~bytes & 0x01010101;
  return (zeros | (zeros >> 7) | (zeros >> 14) | (zeros >> 21)) & 15;
}

/**
 * Sums the outputs again whose 2×2 window is near a kink.
 * @param cells a tile's outputs, 4×4 vectors of four channels
 * @param pastZero 1 in each lane if zeros are exact, and are not near a kink; else 0
 * @param tolerance as integers
 * @param x the tile's first pixel
 * @param filter of the first of four channels
 * @param rows rows of the tile that are outputs; the others are left
 */
export function sumNearKinks(
  cells: usize,
  pastZero: v128,
  tolerance: v128,
  x: usize,
  width: i32,
  inChannels: i32,
  filter: usize,
  outChannels: i32,
  bias: v128,
  rows: i32,
  columns: i32,
): void {
  for (let top = 0; top < rows; top += 2) {
    for (let left = 0; left < columns; left += 2) {
      const window = cells + ((<usize>(top * 4 + left)) << 4);
      if (!v128.any_true(i32x4.lt_u(nearestKink(window, pastZero), tolerance))) continue;
      const pixel = x + ((<usize>((top * width + left) * inChannels)) << 2);
      sumWindow(window, pixel, width, inChannels, filter, outChannels, bias, rows - top, columns - left);
    }
  }
}

/**
 * How near a window's outputs are to a kink: the least magnitude of one, or the largest's distance from the second. Floats
 * that are not negative compare as unsigned integers do.
 */
function nearestKink(window: usize, pastZero: v128): v128 {
  const z0 = v128.load(window);
  const z1 = v128.load(window, 16);
  const z2 = v128.load(window, 64);
  const z3 = v128.load(window, 80);
  const high01 = f32x4.pmax(z0, z1);
  const high23 = f32x4.pmax(z2, z3);
  const low = f32x4.pmax(f32x4.pmin(z0, z1), f32x4.pmin(z2, z3));
  const second = f32x4.pmax(low, f32x4.pmin(high01, high23));
  const lead = i32x4.sub(f32x4.sub(f32x4.pmax(high01, high23), second), pastZero);
  const least01 = i32x4.min_u(i32x4.sub(f32x4.abs(z0), pastZero), i32x4.sub(f32x4.abs(z1), pastZero));
  const least23 = i32x4.min_u(i32x4.sub(f32x4.abs(z2), pastZero), i32x4.sub(f32x4.abs(z3), pastZero));
  return i32x4.min_u(i32x4.min_u(least01, least23), lead);
}

function sumWindow(
  window: usize,
  x: usize,
  width: i32,
  inChannels: i32,
  filter: usize,
  outChannels: i32,
  bias: v128,
  rows: i32,
  columns: i32,
): void {
  const pixelBytes = (<usize>inChannels) << 2;
  const rowBytes = <usize>width * pixelBytes;
  for (let i: usize = 0; i < <usize>min(2, rows); i++) {
    for (let j: usize = 0; j < <usize>min(2, columns); j++) {
      const sum = sumInDouble(x + i * rowBytes + j * pixelBytes, rowBytes, inChannels, filter, outChannels, bias);
      v128.store(window + (i << 6) + (j << 4), sum);
    }
  }
}

/** Four channels of one output, in double precision. */
export function sumInDouble(
  x: usize,
  rowBytes: usize,
  inChannels: i32,
  filter: usize,
  outChannels: i32,
  bias: v128,
): v128 {
  const outBytes = (<usize>outChannels) << 2;
  const runBytes = (<usize>(3 * inChannels)) << 2;
  let low = f64x2.promote_low_f32x4(bias);
  let high = f64x2.promote_low_f32x4(upperHalf(bias));
  for (let row = 0; row < 3; row++) {
    const end = x + runBytes;
    for (let from = x; from < end; from += 4) {
      const input = f64x2.splat(<f64>load<f32>(from));
      const weights = v128.load(filter);
      low = f64x2.add(low, f64x2.mul(input, f64x2.promote_low_f32x4(weights)));
      high = f64x2.add(high, f64x2.mul(input, f64x2.promote_low_f32x4(upperHalf(weights))));
      filter += outBytes;
    }
    x += rowBytes;
  }
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

function upperHalf(values: v128): v128 {
  return v128.shuffle<i64>(values, values, 1, 1);
}

function largestLane(values: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(values, 0), f32x4.extract_lane(values, 1)),
    max<f32>(f32x4.extract_lane(values, 2), f32x4.extract_lane(values, 3)),
  );
}
