/**
 * Translates convolutions and their gradients to instructions: Winograd's method if possible, or else matrix products.
 */
import type { KernelSizes } from '../kernel-module.ts';
import { type ConvolutionInfo, withoutPadding } from '../op-by-op/wasm-convolution.ts';
import type { ConvolutionAttributes } from '../op-by-op/wasm-kernels.ts';
import type { Region } from './instructions.ts';
import { type ConvolutionState, kept, type Lowering, transient } from './lowering.ts';
import * as op from './opcodes.ts';
import type { TracedOperation } from './trace.ts';
import { UntraceableError } from './untraceable-error.ts';

export function lowerConvolution(lowering: Lowering, operation: TracedOperation): void {
  const { sizes, emit } = lowering;
  const { info, relu } = operation.attributes as unknown as ConvolutionAttributes;
  const { shape, padding, paddedBytes } = withoutPadding(info);
  const [batch, height, width, inChannels] = shape;
  const { outChannels, outHeight, outWidth } = info;
  const name = `convolution ${lowering.convolutions.size}`;
  const [filter, bias] = [lowering.regionIn(operation, 'filter'), lowering.regionIn(operation, 'bias')];
  const out = lowering.regionOf(lowering.output(operation));
  let images = lowering.regionIn(operation, 'x');
  if (padding !== undefined) {
    const padded = transient(paddedBytes);
    emit(op.opPadImages, [images, padded, ...padding]);
    images = padded;
  }
  const isWinograd = suitsWinograd(info);
  if (isWinograd) {
    const packed = keptWinogradFilter(sizes, name, info);
    const transformed = transient(sizes.winogradImageBytes(batch, outHeight, outWidth, inChannels));
    const products = transient(sizes.winogradForwardScratchBytes(batch, outHeight, outWidth, outChannels));
    emit(op.opWinogradPackFilter, [filter, packed, inChannels, outChannels], op.packingPass);
    emit(op.opWinogradTransformImages, [images, transformed, batch, height, width, inChannels, outHeight, outWidth]);
    emit(op.opWinogradForward, [
      ...[images, transformed, filter, packed, bias, out, products],
      ...[batch, inChannels, outHeight, outWidth, outChannels, relu ? 1 : 0],
    ]);
    images = transformed;
  } else {
    const depth = depthOf(info);
    const bytes = sizes.conv2dPackedFilterBytes(depth, outChannels);
    const packed = kept(`${name}: packed filter`, bytes);
    emit(op.opPackFilter, [filter, bias, packed, depth, outChannels], op.packingPass);
    const scratch = transient(sizes.conv2dForwardPackedScratchBytes(depth));
    emit(op.opConvolution, [images, packed, out, scratch, ...shape, relu ? 1 : 0]);
  }
  lowering.convolutions.set(info, { name, isWinograd, images, gradient: undefined });
}

/** The gradients with respect to filter and bias. */
export function lowerFilterGradient(lowering: Lowering, operation: TracedOperation): void {
  const { sizes, emit } = lowering;
  const { info, relu } = operation.attributes as unknown as ConvolutionAttributes;
  const state = stateOf(lowering, operation);
  const { inChannels, outChannels, outHeight, outWidth } = info;
  const { shape } = withoutPadding(info);
  const [batch] = shape;
  const dy = lowering.regionIn(operation, 'dy');
  const activation = relu ? lowering.regionIn(operation, 'y') : 0;
  const dFilter = lowering.gradientOf(operation, 0);
  const dBias = lowering.gradientOf(operation, 1);
  if (state.isWinograd) {
    const gradient = transient(sizes.winogradImageBytes(batch, outHeight, outWidth, outChannels));
    const bytes = sizes.winogradFilterBytes(inChannels, outChannels);
    const sums = kept(`${state.name}: sums`, bytes);
    // Adds the bias's gradient to the flat vector, which is zero at the start of a step.
    emit(op.opWinogradTransformGradient, [
      ...[dy, activation, gradient, dBias.region],
      ...[batch, outHeight, outWidth, outChannels],
    ]);
    emit(op.opZero, [sums, bytes], op.firstPass);
    emit(op.opWinogradAddFilterGradient, [
      ...[state.images, gradient, sums],
      ...[batch, inChannels, outHeight, outWidth, outChannels],
    ]);
    emit(op.opWinogradUnpackFilterGradient, [sums, dFilter.region, inChannels, outChannels], op.lastPass);
    state.gradient = gradient;
  } else {
    const depth = depthOf(info);
    const bytes = sizes.conv2dFilterGradientBytes(depth, outChannels);
    const sums = kept(`${state.name}: sums`, bytes);
    emit(op.opZero, [sums, bytes], op.firstPass);
    const scratch = transient(sizes.conv2dAddFilterGradientScratchBytes(...shape));
    emit(op.opAddFilterGradient, [state.images, dy, activation, sums, scratch, ...shape]);
    emit(op.opUnpackFilterGradient, [sums, dFilter.region, dBias.region, depth, outChannels], op.lastPass);
  }
  lowering.complete([dFilter, dBias]);
}

/** The gradient with respect to the images. */
export function lowerInputGradient(lowering: Lowering, operation: TracedOperation): void {
  const { sizes, emit } = lowering;
  const { info, relu } = operation.attributes as unknown as ConvolutionAttributes;
  const state = stateOf(lowering, operation);
  const { inChannels, outChannels, outHeight, outWidth, filterHeight, filterWidth } = info;
  const { shape, padding, paddedBytes } = withoutPadding(info);
  const [batch, height, width] = shape;
  const dx = lowering.regionOf(lowering.output(operation));
  const target = padding === undefined ? dx : transient(paddedBytes);
  if (state.gradient !== undefined) {
    const bytes = sizes.winogradFilterBytes(outChannels, inChannels);
    const transposed = kept(`${state.name}: transposed filter`, bytes);
    const packed = keptWinogradFilter(sizes, state.name, info);
    emit(op.opWinogradTransposeFilter, [packed, transposed, inChannels, outChannels], op.packingPass);
    const products = transient(sizes.winogradImageBytes(batch, outHeight, outWidth, inChannels));
    emit(op.opWinogradBackpropInput, [
      ...[state.gradient, transposed, target, products],
      ...[batch, height, width, inChannels, outHeight, outWidth, outChannels],
    ]);
  } else {
    const taps = filterHeight * filterWidth;
    const bytes = sizes.conv2dTransposedFilterBytes(taps, inChannels, outChannels);
    const transposed = kept(`${state.name}: transposed filter`, bytes);
    const filter = lowering.regionIn(operation, 'filter');
    emit(op.opPackTransposedFilter, [filter, transposed, taps, inChannels, outChannels], op.packingPass);
    const activation = relu ? lowering.regionIn(operation, 'y') : 0;
    const scratch = transient(sizes.conv2dBackpropInputPackedScratchBytes(outChannels));
    emit(op.opConvolutionBackpropInput, [
      ...[lowering.regionIn(operation, 'dy'), activation, transposed, target, scratch],
      ...shape,
    ]);
  }
  if (padding !== undefined) emit(op.opCropImages, [target, dx, ...padding]);
}

function stateOf({ convolutions }: Lowering, { kernel, attributes }: TracedOperation): ConvolutionState {
  const state = convolutions.get((attributes as unknown as ConvolutionAttributes).info);
  if (state === undefined) throw new UntraceableError(kernel, 'it belongs to no convolution of the forward pass');
  return state;
}

function keptWinogradFilter(sizes: KernelSizes, name: string, { inChannels, outChannels }: ConvolutionInfo): Region {
  return kept(`${name}: packed filter`, sizes.winogradFilterBytes(inChannels, outChannels));
}

function depthOf({ filterHeight, filterWidth, inChannels }: ConvolutionInfo): number {
  return filterHeight * filterWidth * inChannels;
}

/** Whether kernels/convolution/winograd.ts supports this convolution. */
function suitsWinograd(info: ConvolutionInfo): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  const isThreeByThree = filterHeight === 3 && filterWidth === 3;
  const isDense = strideHeight === 1 && strideWidth === 1 && dilationHeight === 1 && dilationWidth === 1;
  return isThreeByThree && isDense && info.inChannels % 8 === 0 && info.outChannels % 8 === 0;
}
