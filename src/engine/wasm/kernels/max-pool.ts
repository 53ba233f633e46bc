/**
 * Max pooling and its gradient, for any window, stride and padding, four channels at a time. Of equal values the first
 * in row-major order wins, as in tfjs's own `cpu` kernels.
 */

/** Padding is never read: windows only see pixels inside the image. */
export function maxPoolForward(
  x: usize,
  out: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  windowHeight: i32,
  windowWidth: i32,
  outHeight: i32,
  outWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  paddingTop: i32,
  paddingLeft: i32,
): void {
  const columnBytes = (<usize>channels) << 2;
  const rowBytes = <usize>width * columnBytes;
  const vectorBytes = (<usize>(channels & ~3)) << 2;
  for (let image = 0; image < batch; image++) {
    for (let outRow = 0; outRow < outHeight; outRow++) {
      const top = max(outRow * strideHeight - paddingTop, 0);
      const bottom = min(outRow * strideHeight - paddingTop + windowHeight, height);
      for (let outColumn = 0; outColumn < outWidth; outColumn++) {
        const left = max(outColumn * strideWidth - paddingLeft, 0);
        const right = min(outColumn * strideWidth - paddingLeft + windowWidth, width);
        const corner = x + <usize>((image * height + top) * width + left) * columnBytes;
        const rows = <usize>(bottom - top) * rowBytes;
        const columns = <usize>(right - left) * columnBytes;
        let channel: usize = 0;
        for (; channel < vectorBytes; channel += 16) {
          const first = corner + channel;
          let largest = v128.load(first);
          for (let row = first; row < first + rows; row += rowBytes) {
            for (let pixel = row; pixel < row + columns; pixel += columnBytes) {
              largest = f32x4.pmax(largest, v128.load(pixel));
            }
          }
          v128.store(out + channel, largest);
        }
        for (; channel < columnBytes; channel += 4) {
          const first = corner + channel;
          let largest = load<f32>(first);
          for (let row = first; row < first + rows; row += rowBytes) {
            for (let pixel = row; pixel < row + columns; pixel += columnBytes) {
              const value = load<f32>(pixel);
              if (value > largest) largest = value;
            }
          }
          store<f32>(out + channel, largest);
        }
        out += columnBytes;
      }
    }
  }
}

/** Writes all of `dx`. Each output's gradient goes to the largest input of its window. */
export function maxPoolBackprop(
  x: usize,
  dy: usize,
  dx: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  windowHeight: i32,
  windowWidth: i32,
  outHeight: i32,
  outWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  paddingTop: i32,
  paddingLeft: i32,
): void {
  const columnBytes = (<usize>channels) << 2;
  const rowBytes = <usize>width * columnBytes;
  const vectorBytes = (<usize>(channels & ~3)) << 2;
  const toGradient = dx - x;
  const disjointWindowsOfFour =
    windowHeight === 2 &&
    windowWidth === 2 &&
    strideHeight === 2 &&
    strideWidth === 2 &&
    paddingTop === 0 &&
    paddingLeft === 0 &&
    outHeight * 2 <= height &&
    outWidth * 2 <= width &&
    vectorBytes === columnBytes;
  // If windows cover every input exactly once, gradients are written and not added to zeros.
  const covered = disjointWindowsOfFour && outHeight * 2 === height && outWidth * 2 === width;
  if (!covered) memory.fill(dx, 0, <usize>(batch * height) * rowBytes);
  for (let image = 0; image < batch; image++) {
    for (let outRow = 0; outRow < outHeight; outRow++) {
      const top = max(outRow * strideHeight - paddingTop, 0);
      const bottom = min(outRow * strideHeight - paddingTop + windowHeight, height);
      for (let outColumn = 0; outColumn < outWidth; outColumn++) {
        const left = max(outColumn * strideWidth - paddingLeft, 0);
        const right = min(outColumn * strideWidth - paddingLeft + windowWidth, width);
        const corner = x + <usize>((image * height + top) * width + left) * columnBytes;
        let channel: usize = 0;
        if (disjointWindowsOfFour) {
          for (; channel < vectorBytes; channel += 16) {
            routeWindowOfFour(corner + channel, v128.load(dy + channel), toGradient, rowBytes, columnBytes);
          }
        }
        const rows = <usize>(bottom - top) * rowBytes;
        const columns = <usize>(right - left) * columnBytes;
        for (; channel < vectorBytes; channel += 16) {
          const first = corner + channel;
          let largest = v128.load(first);
          for (let row = first; row < first + rows; row += rowBytes) {
            for (let pixel = row; pixel < row + columns; pixel += columnBytes) {
              largest = f32x4.pmax(largest, v128.load(pixel));
            }
          }
          let remaining = v128.load(dy + channel);
          for (let row = first; row < first + rows; row += rowBytes) {
            for (let pixel = row; pixel < row + columns; pixel += columnBytes) {
              const isLargest = f32x4.eq(v128.load(pixel), largest);
              const gradient = pixel + toGradient;
              v128.store(gradient, f32x4.add(v128.load(gradient), v128.and(remaining, isLargest)));
              remaining = v128.andnot(remaining, isLargest);
            }
          }
        }
        for (; channel < columnBytes; channel += 4) {
          const first = corner + channel;
          let largest = first;
          for (let row = first; row < first + rows; row += rowBytes) {
            for (let pixel = row; pixel < row + columns; pixel += columnBytes) {
              if (load<f32>(pixel) > load<f32>(largest)) largest = pixel;
            }
          }
          const gradient = largest + toGradient;
          store<f32>(gradient, load<f32>(gradient) + load<f32>(dy + channel));
        }
        dy += columnBytes;
      }
    }
  }
}

/** A 2×2 window that shares no input with another, which nearly every model uses; without loops. */
function routeWindowOfFour(
  corner: usize,
  gradient: v128,
  toGradient: usize,
  rowBytes: usize,
  columnBytes: usize,
): void {
  const below = corner + rowBytes;
  const x0 = v128.load(corner);
  const x1 = v128.load(corner + columnBytes);
  const x2 = v128.load(below);
  const x3 = v128.load(below + columnBytes);
  const largest = f32x4.pmax(f32x4.pmax(x0, x1), f32x4.pmax(x2, x3));
  const is0 = f32x4.eq(x0, largest);
  const is1 = f32x4.eq(x1, largest);
  const is2 = f32x4.eq(x2, largest);
  const is3 = f32x4.eq(x3, largest);
  const after0 = v128.andnot(gradient, is0);
  const after1 = v128.andnot(after0, is1);
  const after2 = v128.andnot(after1, is2);
  v128.store(corner + toGradient, v128.and(gradient, is0));
  v128.store(corner + columnBytes + toGradient, v128.and(after0, is1));
  v128.store(below + toGradient, v128.and(after1, is2));
  v128.store(below + columnBytes + toGradient, v128.and(after2, is3));
}
