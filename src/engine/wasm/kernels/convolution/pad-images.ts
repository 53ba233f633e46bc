/** Zero padding around a batch of images, and its inverse. The convolutions themselves do not pad. */

/**
 * Copies [batch, height, width, channels] into zeros [batch, paddedHeight, paddedWidth, channels] at `top` and `left`.
 */
export function padImages(
  x: usize,
  out: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  paddedHeight: i32,
  paddedWidth: i32,
  top: i32,
  left: i32,
): void {
  const rowBytes = (<usize>(width * channels)) << 2;
  memory.fill(out, 0, (<usize>(batch * paddedHeight * paddedWidth * channels)) << 2);
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < height; row++) {
      const pixel = (image * paddedHeight + top + row) * paddedWidth + left;
      memory.copy(out + ((<usize>(pixel * channels)) << 2), x, rowBytes);
      x += rowBytes;
    }
  }
}

/** The inverse of `padImages`: copies the part inside the padding. */
export function cropImages(
  padded: usize,
  out: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  paddedHeight: i32,
  paddedWidth: i32,
  top: i32,
  left: i32,
): void {
  const rowBytes = (<usize>(width * channels)) << 2;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < height; row++) {
      const pixel = (image * paddedHeight + top + row) * paddedWidth + left;
      memory.copy(out, padded + ((<usize>(pixel * channels)) << 2), rowBytes);
      out += rowBytes;
    }
  }
}
