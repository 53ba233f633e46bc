/**
 * Registers our kernels for tfjs's backend `wasm`. Some have tfjs's names, because the backend lacks them
 * (Conv2DBackpropFilter) or has only a naive version. Convolution + bias + rectifier as one operation, with its
 * gradients, has names of our own.
 */
import * as tf from '../../../shared/model/tfjs-core.ts';
import { poolShape } from './pool-shape.ts';
import {
  type ConvolutionInfo,
  convolutionBackpropFilter,
  convolutionBackpropInput,
  convolutionForward,
  type WasmDevice,
} from './wasm-convolution.ts';

/** Our own kernels, whose attributes are `ConvolutionAttributes`. */
export const fusedConvolutionKernels = {
  forward: 'PennygradConvolution',
  backpropInput: 'PennygradConvolutionBackpropInput',
  backpropFilter: 'PennygradConvolutionBackpropFilter',
} as const;

/** `convolution(x, filter) + bias`, with or without a rectifier, as one operation with a gradient. */
export function convolutionWithBias(
  x: tf.Tensor,
  filter: tf.Tensor,
  bias: tf.Tensor,
  attributes: ConvolutionAttributes,
): tf.Tensor {
  return runKernel(fusedConvolutionKernels.forward, { x, filter, bias }, attributes) as tf.Tensor;
}

export interface ConvolutionAttributes {
  readonly info: ConvolutionInfo;
  readonly relu: boolean;
  /** Called in the backward pass before the gradient of `x` is computed. */
  readonly onGradients: ParameterGradientListener | undefined;
}

/** The tensors are only valid during the call. */
export type ParameterGradientListener = (dFilter: tf.Tensor, dBias: tf.Tensor) => void;

/** tfjs declares attributes as JSON, but passes on any value. */
function runKernel(name: string, inputs: Record<string, tf.Tensor>, attributes: ConvolutionAttributes) {
  return tf.engine().runKernel(name, inputs, attributes as unknown as tf.NamedAttrMap);
}

let registered = false;

/**
 * Registers all kernels, once per process.
 * @param device called at every use, because the engines of a process may use different builds of the kernels
 */
export function registerWasmKernels(device: () => WasmDevice): void {
  if (registered) return;
  registered = true;
  registerFusedConvolution(device);
  registerFusedConvolutionGradient();
  replaceConvolution(device);
  replaceMaxPool(device);
  replaceIdentity(device);
}

type Kernel = (inputs: Record<string, tf.TensorInfo>, attributes: tf.NamedAttrMap) => tf.TensorInfo | tf.TensorInfo[];

function register(kernelName: string, compute: Kernel): void {
  if (tf.getKernel(kernelName, 'wasm') != null) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => compute(inputs as Record<string, tf.TensorInfo>, attrs ?? {}),
  });
}

function registerFusedConvolution(device: () => WasmDevice): void {
  register(fusedConvolutionKernels.forward, ({ x, filter, bias }, attributes) => {
    const { info, relu } = convolution(attributes);
    return convolutionForward(device(), present(x), present(filter), bias, info, relu);
  });
  register(fusedConvolutionKernels.backpropInput, ({ dy, y, filter }, attributes) => {
    const { info, relu } = convolution(attributes);
    return convolutionBackpropInput(device(), present(dy), relu ? y : undefined, present(filter), info);
  });
  register(fusedConvolutionKernels.backpropFilter, ({ x, dy, y }, attributes) => {
    const { info, relu } = convolution(attributes);
    const gradients = convolutionBackpropFilter(device(), present(x), present(dy), relu ? y : undefined, info);
    return [gradients.filter, gradients.bias];
  });
}

function convolution(attributes: tf.NamedAttrMap | undefined): ConvolutionAttributes {
  return attributes as unknown as ConvolutionAttributes;
}

let gradientRegistered = false;

/** Registers the gradient of `convolutionWithBias`, once per process. tfjs uses it for all backends. */
export function registerFusedConvolutionGradient(): void {
  if (gradientRegistered) return;
  gradientRegistered = true;
  tf.registerGradient({
    kernelName: fusedConvolutionKernels.forward,
    inputsToSave: ['x', 'filter'],
    outputsToSave: [true],
    gradFunc(gradient, [savedX, savedFilter, savedY], attributes) {
      const [dy, x, filter, y] = [gradient, savedX, savedFilter, savedY] as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      // One kernel computes both. Not in the functions below, because tfjs frees tensors that they do not return.
      const parameters = runKernel(fusedConvolutionKernels.backpropFilter, { x, dy, y }, convolution(attributes));
      const [dFilter, dBias] = parameters as [tf.Tensor, tf.Tensor];
      convolution(attributes).onGradients?.(dFilter, dBias);
      return {
        x: () =>
          runKernel(fusedConvolutionKernels.backpropInput, { dy, y, filter }, convolution(attributes)) as tf.Tensor,
        filter: () => dFilter,
        bias: () => dBias,
      };
    },
  });
}

function replaceConvolution(device: () => WasmDevice): void {
  // tfjs's own kernel pads wrongly for `same` if strides are larger than the filter.
  register(tf.Conv2D, ({ x, filter }, attributes) => {
    const info = convolutionInfo(present(x).shape, present(filter).shape, attributes);
    return convolutionForward(device(), present(x), present(filter), undefined, info, false);
  });
  register(tf.Conv2DBackpropFilter, ({ x, dy }, attributes) => {
    const { filterShape } = attributes as unknown as tf.Conv2DBackpropFilterAttrs;
    const info = convolutionInfo(present(x).shape, filterShape, attributes);
    const gradients = convolutionBackpropFilter(device(), present(x), present(dy), undefined, info);
    device().memory.free(gradients.bias);
    return gradients.filter;
  });
  register(tf.Conv2DBackpropInput, ({ dy, filter }, attributes) => {
    const { inputShape } = attributes as unknown as tf.Conv2DBackpropInputAttrs;
    const info = convolutionInfo(inputShape, present(filter).shape, attributes);
    return convolutionBackpropInput(device(), present(dy), undefined, present(filter), info);
  });
}

/** @throws Error if the images are not NHWC, the only layout of this backend */
function convolutionInfo(inputShape: number[], filterShape: number[], attributes: tf.NamedAttrMap): ConvolutionInfo {
  const { strides, pad, dilations, dimRoundingMode, dataFormat } = attributes as unknown as tf.Conv2DAttrs;
  if (dataFormat === 'NCHW') throw new Error('the wasm backend takes NHWC images only');
  return tf.backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
  );
}

function replaceMaxPool(device: () => WasmDevice): void {
  register(tf.MaxPool, ({ x }, attributes) => {
    const { memory, kernels } = device();
    const { shape, outShape } = poolShape(present(x), attributes);
    const out = memory.allocate(outShape);
    kernels.maxPoolForward(memory.addressOf(present(x)), memory.addressOf(out), ...shape);
    return out;
  });
  register(tf.MaxPoolGrad, ({ dy, input }, attributes) => {
    const { memory, kernels } = device();
    const { shape } = poolShape(present(input), attributes);
    const dx = memory.allocate(present(input).shape);
    kernels.maxPoolBackprop(
      memory.addressOf(present(input)),
      memory.addressOf(present(dy)),
      memory.addressOf(dx),
      ...shape,
    );
    return dx;
  });
}

/** tfjs's own kernel copies. Sharing is safe because tfjs never writes to a tensor, and it clones all that it saves. */
function replaceIdentity(device: () => WasmDevice): void {
  register(tf.Identity, ({ x }) => {
    const { dataId, shape, dtype } = present(x);
    device().memory.share(dataId);
    return { dataId, shape, dtype };
  });
}

function present(tensor: tf.TensorInfo | undefined): tf.TensorInfo {
  if (tensor === undefined) throw new Error('a kernel was called without one of its inputs');
  return tensor;
}
