/** A stack of tfjs layers computed in double precision, forwards and backwards, by the definitions in reference-layers.ts. */
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Layer } from '../../src/shared/model/zoo.ts';
import {
  type ConvolutionCase,
  convolutionGradients,
  convolve,
  maxPool,
  outSize,
  type PoolCase,
} from './reference-layers.ts';

export interface ReferenceStep {
  readonly outputs: Float64Array;
  /** Of every weight tensor, in the order of the layers: kernel, then bias. */
  readonly gradients: readonly Float64Array[];
}

/** One layer of a stack. */
interface Stage {
  forward(x: Float64Array): Float64Array;
  /** Called after `forward`. @returns the gradient with respect to what that was given */
  backward(dy: Float64Array): Float64Array;
  readonly gradients: readonly Float64Array[];
}

type Pair = readonly [number, number];
type Image = readonly [height: number, width: number, channels: number];

/**
 * @param stack layers of a built model
 * @param parameters of all layers, in the order of `gradients`
 * @param lossGradient the gradient of some loss with respect to the outputs
 */
export function referenceStep(
  stack: readonly Layer[],
  batch: number,
  images: Float64Array,
  parameters: Float64Array,
  lossGradient: (outputs: Float64Array) => Float64Array,
): ReferenceStep {
  let offset = 0;
  const take = (size: number) => {
    offset += size;
    return parameters.subarray(offset - size, offset);
  };
  const stages = stack.flatMap((layer) => stagesOf(layer, batch, take));
  const outputs = stages.reduce((x, stage) => stage.forward(x), images);
  stages.reduceRight((dy, stage) => stage.backward(dy), lossGradient(outputs));
  return { outputs, gradients: stages.flatMap(({ gradients }) => gradients) };
}

function stagesOf(layer: Layer, batch: number, take: (size: number) => Float64Array): readonly Stage[] {
  const config = layer.getConfig();
  const imageShape = (layer.input as SymbolicTensor).shape.slice(1) as number[];
  switch (layer.getClassName()) {
    case 'Reshape':
    case 'Flatten':
      return [];
    case 'Activation':
      return [activationStage(config.activation as string)];
    case 'Conv2D': {
      const [height, width, inChannels] = imageShape as unknown as Image;
      const [filter, strides] = [config.kernelSize, config.strides] as unknown as [Pair, Pair];
      const same = config.padding === 'same';
      const [top, bottom] = same ? samePadding(height, filter[0], strides[0]) : [0, 0];
      const [left, right] = same ? samePadding(width, filter[1], strides[1]) : [0, 0];
      const padded = { height: height + top + bottom, width: width + left + right };
      const outChannels = config.filters as number;
      const shape = { batch, ...padded, inChannels, filter, outChannels, strides, dilations: [1, 1] as const };
      const padding = paddingStage(batch, [height, width, inChannels], padded, [top, left]);
      return [padding, convolutionStage(shape, take), activationStage(config.activation as string)];
    }
    case 'Dense': {
      // Samples are the pixels of one row.
      const one = [1, 1] as const;
      const [inChannels, outChannels] = [imageShape[0] ?? 0, config.units as number];
      const shape = {
        batch: 1,
        height: 1,
        width: batch,
        inChannels,
        filter: one,
        outChannels,
        strides: one,
        dilations: one,
      };
      return [convolutionStage(shape, take), activationStage(config.activation as string)];
    }
    case 'MaxPooling2D':
    case 'AveragePooling2D': {
      if (config.padding !== 'valid')
        throw new Error(`pooling with padding '${config.padding}' is not written down here`);
      const [height, width, channels] = imageShape as unknown as Image;
      const [window, strides] = [config.poolSize, config.strides] as unknown as [Pair, Pair];
      const out = [outSize(height, window[0], strides[0]), outSize(width, window[1], strides[1])] as const;
      const shape = { batch, height, width, channels, window, strides, padding: [0, 0] as const, out };
      return [layer.getClassName() === 'MaxPooling2D' ? maxPoolStage(shape) : averagePoolStage(shape)];
    }
    default:
      throw new Error(`${layer.getClassName()} is not written down here`);
  }
}

/** TensorFlow's: as many outputs as strides fit in, and the odd row or column at the end. */
function samePadding(size: number, window: number, stride: number): Pair {
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + window - size, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

function convolutionStage(shape: ConvolutionCase, take: (size: number) => Float64Array): Stage {
  const filter = take(shape.filter[0] * shape.filter[1] * shape.inChannels * shape.outChannels);
  const bias = take(shape.outChannels);
  const gradients = [new Float64Array(filter.length), new Float64Array(bias.length)] as const;
  let x: Float64Array = new Float64Array(0);
  return {
    gradients,
    forward(input) {
      x = input;
      return convolve(shape, x, filter, bias, false);
    },
    backward(dy) {
      const found = convolutionGradients(shape, x, filter, dy, undefined);
      gradients[0].set(found.filter);
      gradients[1].set(found.bias);
      return found.x;
    },
  };
}

function paddingStage(
  batch: number,
  [height, width, channels]: Image,
  padded: { readonly height: number; readonly width: number },
  [top, left]: Pair,
): Stage {
  const rowFloats = width * channels;
  /** Calls `visit` with the offsets of every row of pixels, outside and inside the frame. */
  const forEachRow = (visit: (inside: number, outside: number) => void) => {
    for (let n = 0; n < batch; n++) {
      for (let row = 0; row < height; row++) {
        visit((n * height + row) * rowFloats, ((n * padded.height + row + top) * padded.width + left) * channels);
      }
    }
  };
  return {
    gradients: [],
    forward(x) {
      const out = new Float64Array(batch * padded.height * padded.width * channels);
      forEachRow((inside, outside) => out.set(x.subarray(inside, inside + rowFloats), outside));
      return out;
    },
    backward(dy) {
      const dx = new Float64Array(batch * height * rowFloats);
      forEachRow((inside, outside) => dx.set(dy.subarray(outside, outside + rowFloats), inside));
      return dx;
    },
  };
}

function maxPoolStage(shape: PoolCase): Stage {
  let from: readonly number[] = [];
  let size = 0;
  return {
    gradients: [],
    forward(x) {
      size = x.length;
      const pooled = maxPool(shape, x);
      from = pooled.from;
      return Float64Array.from(pooled.out);
    },
    backward(dy) {
      const dx = new Float64Array(size);
      from.forEach((source, i) => {
        dx[source] = (dx[source] as number) + (dy[i] as number);
      });
      return dx;
    },
  };
}

function averagePoolStage({ batch, height, width, channels, window, strides, out }: PoolCase): Stage {
  const part = 1 / (window[0] * window[1]);
  const forEachPart = (visit: (x: number, out: number) => void) => {
    for (let n = 0; n < batch; n++)
      for (let i = 0; i < out[0]; i++)
        for (let j = 0; j < out[1]; j++)
          for (let p = 0; p < window[0]; p++)
            for (let q = 0; q < window[1]; q++)
              for (let c = 0; c < channels; c++)
                visit(
                  ((n * height + i * strides[0] + p) * width + j * strides[1] + q) * channels + c,
                  ((n * out[0] + i) * out[1] + j) * channels + c,
                );
  };
  return {
    gradients: [],
    forward(x) {
      const y = new Float64Array(batch * out[0] * out[1] * channels);
      forEachPart((xi, yi) => {
        y[yi] = (y[yi] as number) + (x[xi] as number) * part;
      });
      return y;
    },
    backward(dy) {
      const dx = new Float64Array(batch * height * width * channels);
      forEachPart((xi, yi) => {
        dx[xi] = (dx[xi] as number) + (dy[yi] as number) * part;
      });
      return dx;
    },
  };
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** Functions and their slopes, as tfjs names them. */
const activations: Readonly<Record<string, readonly [value: (z: number) => number, slope: (z: number) => number]>> = {
  linear: [(z) => z, () => 1],
  relu: [(z) => Math.max(z, 0), (z) => (z > 0 ? 1 : 0)],
  tanh: [Math.tanh, (z) => 1 - Math.tanh(z) ** 2],
  sigmoid: [sigmoid, (z) => sigmoid(z) * (1 - sigmoid(z))],
  elu: [(z) => (z > 0 ? z : Math.expm1(z)), (z) => (z > 0 ? 1 : Math.exp(z))],
  swish: [(z) => z * sigmoid(z), (z) => sigmoid(z) * (1 + z * (1 - sigmoid(z)))],
};

function activationStage(name: string): Stage {
  const functions = activations[name];
  if (functions === undefined) throw new Error(`the activation ${name} is not written down here`);
  const [value, slope] = functions;
  let z: Float64Array = new Float64Array(0);
  return {
    gradients: [],
    forward(x) {
      z = x;
      return z.map(value);
    },
    backward: (dy) => dy.map((gradient, i) => gradient * slope(z[i] as number)),
  };
}
