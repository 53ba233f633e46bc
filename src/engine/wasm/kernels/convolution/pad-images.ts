/** Zero padding around a batch of images, and its inverse: convolutions here know no padding of their own. */

/** Copies [batch, height, width, channels] into the middle of zeros [batch, paddedHeight, paddedWidth, channels]. */
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

/** Copies the middle of [batch, paddedHeight, paddedWidth, channels] to [batch, height, width, channels]. */
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
