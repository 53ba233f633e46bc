/** Layers as plain loops in double precision: what the kernels must compute, written from the definitions. */

export interface ConvolutionCase {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly filter: readonly [height: number, width: number];
  readonly outChannels: number;
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
}

export function outSize(input: number, window: number, stride: number, dilation = 1): number {
  return Math.floor((input - ((window - 1) * dilation + 1)) / stride) + 1;
}

/**
 * Calls `visit` with flat offsets of the products that a convolution without padding sums: an input, and the first output
 * channel of the filter and of the output. The products of the input with the other channels follow one by one.
 */
function forEachProduct(shape: ConvolutionCase, visit: (x: number, filter: number, out: number) => void): void {
  const { batch, height, width, inChannels, outChannels, strides, dilations } = shape;
  const [filterHeight, filterWidth] = shape.filter;
  const outHeight = outSize(height, filterHeight, strides[0], dilations[0]);
  const outWidth = outSize(width, filterWidth, strides[1], dilations[1]);
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++)
        for (let p = 0; p < filterHeight; p++)
          for (let q = 0; q < filterWidth; q++)
            for (let c = 0; c < inChannels; c++) {
              const row = i * strides[0] + p * dilations[0];
              const column = j * strides[1] + q * dilations[1];
              visit(
                ((n * height + row) * width + column) * inChannels + c,
                ((p * filterWidth + q) * inChannels + c) * outChannels,
                ((n * outHeight + i) * outWidth + j) * outChannels,
              );
            }
}

export function convolutionSizes(shape: ConvolutionCase) {
  const { batch, height, width, inChannels, filter, outChannels, strides, dilations } = shape;
  const outHeight = outSize(height, filter[0], strides[0], dilations[0]);
  const outWidth = outSize(width, filter[1], strides[1], dilations[1]);
  return {
    outHeight,
    outWidth,
    x: batch * height * width * inChannels,
    filter: filter[0] * filter[1] * inChannels * outChannels,
    out: batch * outHeight * outWidth * outChannels,
  };
}

type Numbers = ArrayLike<number>;

export function convolve(
  shape: ConvolutionCase,
  x: Numbers,
  filter: Numbers,
  bias: Numbers,
  relu: boolean,
): Float64Array {
  const out = Float64Array.from({ length: convolutionSizes(shape).out }, (_, i) => at(bias, i % shape.outChannels));
  const [inputs, weights] = [Float64Array.from(x), Float64Array.from(filter)];
  forEachProduct(shape, (xi, fi, oi) => {
    const input = at(inputs, xi);
    for (let o = 0; o < shape.outChannels; o++) {
      out[oi + o] = (out[oi + o] as number) + input * (weights[fi + o] as number);
    }
  });
  return relu ? out.map((value) => Math.max(value, 0)) : out;
}

/** Gradients of `Σ dy · convolve(…)`. `activation` is the layer's output if it has a rectifier. */
export function convolutionGradients(
  shape: ConvolutionCase,
  x: Numbers,
  filter: Numbers,
  dy: Numbers,
  activation: Numbers | undefined,
) {
  const sizes = convolutionSizes(shape);
  const passed = Float64Array.from({ length: sizes.out }, (_, i) =>
    activation === undefined || at(activation, i) > 0 ? at(dy, i) : 0,
  );
  const gradients = {
    x: new Float64Array(sizes.x),
    filter: new Float64Array(sizes.filter),
    bias: new Float64Array(shape.outChannels),
  };
  const [inputs, weights] = [Float64Array.from(x), Float64Array.from(filter)];
  forEachProduct(shape, (xi, fi, oi) => {
    const input = at(inputs, xi);
    let sum = at(gradients.x, xi);
    for (let o = 0; o < shape.outChannels; o++) {
      const slope = passed[oi + o] as number;
      sum += (weights[fi + o] as number) * slope;
      gradients.filter[fi + o] = (gradients.filter[fi + o] as number) + input * slope;
    }
    gradients.x[xi] = sum;
  });
  passed.forEach((value, i) => {
    const channel = i % shape.outChannels;
    gradients.bias[channel] = at(gradients.bias, channel) + value;
  });
  return gradients;
}

export interface PoolCase {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Rows above and columns to the left that are outside the image. */
  readonly padding: readonly [number, number];
  readonly out: readonly [number, number];
}

/** Outputs of max pooling, and for each the offset of the input that it came from: the first of equals. */
export function maxPool(shape: PoolCase, x: Numbers): { readonly out: number[]; readonly from: number[] } {
  const { batch, height, width, channels, window, strides, padding } = shape;
  const out: number[] = [];
  const from: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < shape.out[0]; i++)
      for (let j = 0; j < shape.out[1]; j++)
        for (let c = 0; c < channels; c++) {
          let best = -1;
          for (let p = 0; p < window[0]; p++)
            for (let q = 0; q < window[1]; q++) {
              const row = i * strides[0] - padding[0] + p;
              const column = j * strides[1] - padding[1] + q;
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              const offset = ((n * height + row) * width + column) * channels + c;
              if (best < 0 || at(x, offset) > at(x, best)) best = offset;
            }
          out.push(at(x, best));
          from.push(best);
        }
  return { out, from };
}

function at(values: Numbers, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no element ${index} of ${values.length}`);
  return value;
}
