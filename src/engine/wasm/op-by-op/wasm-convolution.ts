/** Convolutions of tensors in wasm memory, with any padding, stride and dilation. The kernels themselves do not pad. */
import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvolutionShape, Kernels } from '../kernel-module.ts';
import type { WasmMemory } from './wasm-memory.ts';

/**
 * The part of tfjs's description of a convolution that the kernels need. Its shapes are those of the created tensors.
 */
export type ConvolutionInfo = Omit<
  backend_util.Conv2DInfo,
  'dataFormat' | 'padInfo' | 'inShape' | 'outShape' | 'filterShape'
> & {
  readonly padInfo: Pick<backend_util.Conv2DInfo['padInfo'], 'top' | 'left' | 'bottom' | 'right'>;
  readonly inShape: readonly number[];
  readonly outShape: readonly number[];
  readonly filterShape: readonly number[];
};

/** A fully connected layer as a convolution: the samples are the pixels of one row, and the filter is 1×1. */
export function denseInfo(samples: number, inputs: number, units: number): ConvolutionInfo {
  return {
    batchSize: 1,
    inHeight: 1,
    inWidth: samples,
    inChannels: inputs,
    outHeight: 1,
    outWidth: samples,
    outChannels: units,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
    filterHeight: 1,
    filterWidth: 1,
    effectiveFilterHeight: 1,
    effectiveFilterWidth: 1,
    padInfo: { top: 0, left: 0, bottom: 0, right: 0 },
    inShape: [samples, inputs],
    outShape: [samples, units],
    filterShape: [inputs, units],
  };
}

export interface WasmDevice {
  readonly memory: WasmMemory;
  readonly kernels: Kernels;
}

/** `activation(convolution + bias)`, a new tensor of `info.outShape`. */
export function convolutionForward(
  { memory, kernels }: WasmDevice,
  x: TensorInfo,
  filter: TensorInfo,
  bias: TensorInfo | undefined,
  info: ConvolutionInfo,
  relu: boolean,
): TensorInfo {
  const out = memory.allocate(info.outShape);
  const { shape, padding, paddedBytes } = withoutPadding(info);
  const scratch = memory.scratch(paddedBytes + kernels.conv2dForwardScratchBytes(...shape));
  let images = memory.addressOf(x);
  if (padding !== undefined) {
    kernels.padImages(images, scratch, ...padding);
    images = scratch;
  }
  const biasAddress = bias === undefined ? 0 : memory.addressOf(bias);
  kernels.conv2dForward(
    images,
    memory.addressOf(filter),
    biasAddress,
    memory.addressOf(out),
    scratch + paddedBytes,
    ...shape,
    relu ? 1 : 0,
  );
  return out;
}

/**
 * The gradient with respect to the input, a new tensor of `info.inShape`.
 * @param activation the layer's output if it has a rectifier; gradients only count where it is positive
 */
export function convolutionBackpropInput(
  { memory, kernels }: WasmDevice,
  dy: TensorInfo,
  activation: TensorInfo | undefined,
  filter: TensorInfo,
  info: ConvolutionInfo,
): TensorInfo {
  const dx = memory.allocate(info.inShape);
  const { shape, padding, paddedBytes } = withoutPadding(info);
  const scratch = memory.scratch(paddedBytes + kernels.conv2dBackpropInputScratchBytes(...shape));
  kernels.conv2dBackpropInput(
    memory.addressOf(dy),
    activation === undefined ? 0 : memory.addressOf(activation),
    memory.addressOf(filter),
    padding === undefined ? memory.addressOf(dx) : scratch,
    scratch + paddedBytes,
    ...shape,
  );
  if (padding !== undefined) kernels.cropImages(scratch, memory.addressOf(dx), ...padding);
  return dx;
}

/** The gradients with respect to filter and bias, two new tensors. For `activation` see `convolutionBackpropInput`. */
export function convolutionBackpropFilter(
  { memory, kernels }: WasmDevice,
  x: TensorInfo,
  dy: TensorInfo,
  activation: TensorInfo | undefined,
  info: ConvolutionInfo,
): { readonly filter: TensorInfo; readonly bias: TensorInfo } {
  const filter = memory.allocate(info.filterShape);
  const bias = memory.allocate([info.outChannels]);
  const { shape, padding, paddedBytes } = withoutPadding(info);
  const scratch = memory.scratch(paddedBytes + kernels.conv2dBackpropFilterScratchBytes(...shape));
  let images = memory.addressOf(x);
  if (padding !== undefined) {
    kernels.padImages(images, scratch, ...padding);
    images = scratch;
  }
  kernels.conv2dBackpropFilter(
    images,
    memory.addressOf(dy),
    activation === undefined ? 0 : memory.addressOf(activation),
    memory.addressOf(filter),
    memory.addressOf(bias),
    scratch + paddedBytes,
    ...shape,
  );
  return { filter, bias };
}

export interface Unpadded {
  readonly shape: ConvolutionShape;
  /** How to copy between the images and their padded copy; undefined if no padding is needed. */
  readonly padding: Parameters<Kernels['padImages']> extends [number, number, ...infer Rest] ? Rest | undefined : never;
  readonly paddedBytes: number;
}

/** The same convolution over images that include the padding. */
export function withoutPadding(info: ConvolutionInfo): Unpadded {
  const { batchSize, inHeight, inWidth, inChannels, padInfo } = info;
  // If the output's size was rounded up, the last window can reach beyond the padding.
  const reachHeight = (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight;
  const reachWidth = (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth;
  const height = Math.max(padInfo.top + inHeight + padInfo.bottom, reachHeight);
  const width = Math.max(padInfo.left + inWidth + padInfo.right, reachWidth);
  const isPadded = height !== inHeight || width !== inWidth;
  return {
    shape: [
      ...([batchSize, height, width, inChannels, info.filterHeight, info.filterWidth, info.outChannels] as const),
      ...([info.outHeight, info.outWidth, info.strideHeight, info.strideWidth] as const),
      ...([info.dilationHeight, info.dilationWidth] as const),
    ],
    padding: isPadded
      ? [batchSize, inHeight, inWidth, inChannels, height, width, padInfo.top, padInfo.left]
      : undefined,
    paddedBytes: isPadded ? batchSize * height * width * inChannels * 4 : 0,
  };
}
