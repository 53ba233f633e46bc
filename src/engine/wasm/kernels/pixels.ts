/** Converts `count` bytes to floats from 0 to 1: `byte / 255`, correctly rounded. */
export function scalePixels(bytes: usize, out: usize, count: i32): void {
  const scale = f32x4.splat(255);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const words = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(bytes)));
    v128.store(out, f32x4.div(f32x4.convert_i32x4_u(words), scale));
    bytes += 4;
    out += 16;
  }
  for (; i < count; i++) {
    store<f32>(out, <f32>load<u8>(bytes) / 255);
    bytes += 1;
    out += 4;
  }
}

/**
 * Copies the images of a batch from a dataset of bytes to floats from 0 to 1.
 * @param batch points to the dataset's address, followed by the indices of `count` images, 32 bits each
 * @param size bytes per image
 */
export function gatherImages(batch: usize, out: usize, count: i32, size: i32): void {
  const images = <usize>load<u32>(batch);
  for (let i = 0; i < count; i++) {
    const index = <usize>load<u32>(batch + ((<usize>i) << 2), 4);
    scalePixels(images + index * <usize>size, out, size);
    out += (<usize>size) << 2;
  }
}
