/** Average pooling and its gradient. As in tfjs, a window at the edge averages only the pixels inside the image. */

export function averagePoolForward(
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
  for (let image = 0; image < batch; image++) {
    for (let outRow = 0; outRow < outHeight; outRow++) {
      const top = max(outRow * strideHeight - paddingTop, 0);
      const bottom = min(outRow * strideHeight - paddingTop + windowHeight, height);
      for (let outColumn = 0; outColumn < outWidth; outColumn++) {
        const left = max(outColumn * strideWidth - paddingLeft, 0);
        const right = min(outColumn * strideWidth - paddingLeft + windowWidth, width);
        const share: f32 = <f32>1 / <f32>((bottom - top) * (right - left));
        for (let channel = 0; channel < channels; channel++) {
          let sum: f32 = 0;
          for (let row = top; row < bottom; row++) {
            for (let column = left; column < right; column++) {
              sum += load<f32>(x + ((<usize>(((image * height + row) * width + column) * channels + channel)) << 2));
            }
          }
          store<f32>(out, sum * share);
          out += 4;
        }
      }
    }
  }
}

/** Writes all of `dx`. */
export function averagePoolBackprop(
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
  memory.fill(dx, 0, (<usize>(batch * height * width * channels)) << 2);
  for (let image = 0; image < batch; image++) {
    for (let outRow = 0; outRow < outHeight; outRow++) {
      const top = max(outRow * strideHeight - paddingTop, 0);
      const bottom = min(outRow * strideHeight - paddingTop + windowHeight, height);
      for (let outColumn = 0; outColumn < outWidth; outColumn++) {
        const left = max(outColumn * strideWidth - paddingLeft, 0);
        const right = min(outColumn * strideWidth - paddingLeft + windowWidth, width);
        const share: f32 = <f32>1 / <f32>((bottom - top) * (right - left));
        for (let channel = 0; channel < channels; channel++) {
          const gradient = load<f32>(dy) * share;
          for (let row = top; row < bottom; row++) {
            for (let column = left; column < right; column++) {
              const at = dx + ((<usize>(((image * height + row) * width + column) * channels + channel)) << 2);
              store<f32>(at, load<f32>(at) + gradient);
            }
          }
          dy += 4;
        }
      }
    }
  }
}
