/** Turns traced operations into instructions: which kernel, on which regions, in which passes. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelSizes } from '../kernel-module.ts';
import { poolShape } from '../op-by-op/pool-shape.ts';
import { type ConvolutionInfo, withoutPadding } from '../op-by-op/wasm-convolution.ts';
import { type ConvolutionAttributes, fusedConvolutionKernels } from '../op-by-op/wasm-kernels.ts';
import { type BinaryFunction, binaryFunctions, unaryFunctions } from './elementwise.ts';
import type { FinalGradient, Instruction, Region } from './instructions.ts';
import * as op from './opcodes.ts';
import type { TracedOperation, TracedValue } from './trace.ts';
import { UntraceableError } from './untraceable-error.ts';

export interface LoweringOptions {
  readonly sizes: KernelSizes;
  /** Byte offset in the flat vector of every value that is a parameter. */
  readonly parameters: ReadonlyMap<TracedValue, number>;
  /** Likewise of every value that is the gradient of a parameter. */
  readonly gradients: ReadonlyMap<TracedValue, number>;
}

export interface Lowering {
  /** Appends an operation's instructions. @throws UntraceableError naming an operation that has none */
  add(operation: TracedOperation): void;
  append(instruction: Instruction): void;
  /** Where a value is. */
  regionOf(value: TracedValue): Region;
  readonly instructions: readonly Instruction[];
  readonly finalGradients: readonly FinalGradient[];
}

/** What the backward pass of a convolution takes over from its forward pass. */
interface ConvolutionState {
  /** Names what the convolution keeps; the same for every batch size. */
  readonly name: string;
  readonly isWinograd: boolean;
  /** The images with their padding, or the images in Winograd's form. */
  readonly images: Region;
  /** The gradient in Winograd's form: made for the filter, used again for the input. */
  gradient?: Region;
}

export function startLowering({ sizes, parameters, gradients }: LoweringOptions): Lowering {
  const instructions: Instruction[] = [];
  const finalGradients: FinalGradient[] = [];
  const regions = new Map<TracedValue, Region>();
  const convolutions = new Map<ConvolutionInfo, ConvolutionState>();

  const emit = (opcode: number, args: Instruction['args'], passes: number = op.everyPass) =>
    void instructions.push({ opcode, args, passes });
  const transient = (bytes: number): Region => ({ kind: 'transient', bytes });

  function regionOf(value: TracedValue): Region {
    const known = regions.get(value);
    if (known !== undefined) return known;
    const region = newRegion(value);
    regions.set(value, region);
    return region;
  }

  function newRegion(value: TracedValue): Region {
    const { size, constant } = value;
    const parameter = parameters.get(value);
    if (parameter !== undefined) return { kind: 'parameters', offset: parameter };
    if (constant === undefined) return transient(size * 4);
    return { kind: 'kept', key: `constant ${constant.join()}`, bytes: size * 4, values: constant };
  }

  function input({ kernel, inputs }: TracedOperation, name: string): TracedValue {
    const value = inputs[name];
    if (value === undefined) throw new UntraceableError(kernel, `it was called without ${name}`);
    return value;
  }

  const regionIn = (operation: TracedOperation, name: string) => regionOf(input(operation, name));

  function output({ kernel, outputs }: TracedOperation, index = 0): TracedValue {
    const value = outputs[index];
    if (value === undefined) throw new UntraceableError(kernel, `it has no output ${index}`);
    return value;
  }

  /** Where a parameter's gradient goes; a filter that is used twice would need a sum, which no model here does. */
  function gradientOf(operation: TracedOperation, index: number): { readonly region: Region; readonly offset: number } {
    const offset = gradients.get(output(operation, index));
    if (offset === undefined) throw new UntraceableError(operation.kernel, 'its gradient is not that of a parameter');
    return { region: { kind: 'gradients', offset }, offset };
  }

  function forward(operation: TracedOperation): void {
    const { info, relu } = operation.attributes as unknown as ConvolutionAttributes;
    const { shape, padding, paddedBytes } = withoutPadding(info);
    const [batch, height, width, inChannels] = shape;
    const { outChannels, outHeight, outWidth } = info;
    const name = `convolution ${convolutions.size}`;
    const [filter, bias] = [regionIn(operation, 'filter'), regionIn(operation, 'bias')];
    const out = regionOf(output(operation));
    let images = regionIn(operation, 'x');
    if (padding !== undefined) {
      const padded = transient(paddedBytes);
      emit(op.opPadImages, [images, padded, ...padding]);
      images = padded;
    }
    const isWinograd = suitsWinograd(info);
    if (isWinograd) {
      const packed = keptFilter(name, info);
      const transformed = transient(sizes.winogradImageBytes(batch, outHeight, outWidth, inChannels));
      const products = transient(sizes.winogradImageBytes(batch, outHeight, outWidth, outChannels));
      emit(op.opWinogradPackFilter, [filter, packed, inChannels, outChannels], op.firstPass);
      emit(op.opWinogradTransformImages, [images, transformed, batch, height, width, inChannels, outHeight, outWidth]);
      emit(op.opWinogradForward, [
        ...[transformed, packed, bias, out, products],
        ...[batch, inChannels, outHeight, outWidth, outChannels, relu ? 1 : 0],
      ]);
      images = transformed;
    } else {
      const depth = depthOf(info);
      const bytes = sizes.conv2dPackedFilterBytes(depth, outChannels);
      const packed: Region = { kind: 'kept', key: `${name}: packed filter`, bytes };
      emit(op.opPackFilter, [filter, bias, packed, depth, outChannels], op.firstPass);
      const scratch = transient(sizes.conv2dForwardPackedScratchBytes(depth));
      emit(op.opConvolution, [images, packed, out, scratch, ...shape, relu ? 1 : 0]);
    }
    convolutions.set(info, { name, isWinograd, images });
  }

  function stateOf({ kernel, attributes }: TracedOperation): ConvolutionState {
    const state = convolutions.get((attributes as unknown as ConvolutionAttributes).info);
    if (state === undefined) throw new UntraceableError(kernel, 'it belongs to no convolution of the forward pass');
    return state;
  }

  function backpropFilter(operation: TracedOperation): void {
    const { info, relu } = operation.attributes as unknown as ConvolutionAttributes;
    const state = stateOf(operation);
    const { inChannels, outChannels, outHeight, outWidth } = info;
    const { shape } = withoutPadding(info);
    const [batch] = shape;
    const dy = regionIn(operation, 'dy');
    const activation = relu ? regionIn(operation, 'y') : 0;
    const dFilter = gradientOf(operation, 0);
    const dBias = gradientOf(operation, 1);
    if (state.isWinograd) {
      const gradient = transient(sizes.winogradImageBytes(batch, outHeight, outWidth, outChannels));
      const bytes = sizes.winogradFilterBytes(inChannels, outChannels);
      const sums: Region = { kind: 'kept', key: `${state.name}: sums`, bytes };
      // The bias's gradient is added to the flat vector, which starts a step with zeros.
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
      const sums: Region = { kind: 'kept', key: `${state.name}: sums`, bytes };
      emit(op.opZero, [sums, bytes], op.firstPass);
      const scratch = transient(sizes.conv2dAddFilterGradientScratchBytes(...shape));
      emit(op.opAddFilterGradient, [state.images, dy, activation, sums, scratch, ...shape]);
      emit(op.opUnpackFilterGradient, [sums, dFilter.region, dBias.region, depth, outChannels], op.lastPass);
    }
    for (const { offset } of [dFilter, dBias]) finalGradients.push({ instruction: instructions.length - 1, offset });
  }

  function backpropInput(operation: TracedOperation): void {
    const { info, relu } = operation.attributes as unknown as ConvolutionAttributes;
    const state = stateOf(operation);
    const { inChannels, outChannels, outHeight, outWidth, filterHeight, filterWidth } = info;
    const { shape, padding, paddedBytes } = withoutPadding(info);
    const [batch, height, width] = shape;
    const dx = regionOf(output(operation));
    const target = padding === undefined ? dx : transient(paddedBytes);
    if (state.gradient !== undefined) {
      const bytes = sizes.winogradFilterBytes(outChannels, inChannels);
      const transposed: Region = { kind: 'kept', key: `${state.name}: transposed filter`, bytes };
      const packed = keptFilter(state.name, info);
      emit(op.opWinogradTransposeFilter, [packed, transposed, inChannels, outChannels], op.firstPass);
      const products = transient(sizes.winogradImageBytes(batch, outHeight, outWidth, inChannels));
      emit(op.opWinogradBackpropInput, [
        ...[state.gradient, transposed, target, products],
        ...[batch, height, width, inChannels, outHeight, outWidth, outChannels],
      ]);
    } else {
      const taps = filterHeight * filterWidth;
      const bytes = sizes.conv2dTransposedFilterBytes(taps, inChannels, outChannels);
      const transposed: Region = { kind: 'kept', key: `${state.name}: transposed filter`, bytes };
      const filter = regionIn(operation, 'filter');
      emit(op.opPackTransposedFilter, [filter, transposed, taps, inChannels, outChannels], op.firstPass);
      const activation = relu ? regionIn(operation, 'y') : 0;
      const scratch = transient(sizes.conv2dBackpropInputPackedScratchBytes(outChannels));
      emit(op.opConvolutionBackpropInput, [
        ...[regionIn(operation, 'dy'), activation, transposed, target, scratch],
        ...shape,
      ]);
    }
    if (padding !== undefined) emit(op.opCropImages, [target, dx, ...padding]);
  }

  function keptFilter(name: string, { inChannels, outChannels }: ConvolutionInfo): Region {
    return {
      kind: 'kept',
      key: `${name}: packed filter`,
      bytes: sizes.winogradFilterBytes(inChannels, outChannels),
    };
  }

  function pool(operation: TracedOperation, opcode: number, image: string, before: readonly string[]): void {
    const x = { dtype: 'float32', shape: operation.inputShapes[image] ?? [] } as const;
    const { shape } = poolShape(x, operation.attributes);
    emit(opcode, [...before.map((name) => regionIn(operation, name)), regionOf(output(operation)), ...shape]);
  }

  const unary = (code: number) => (operation: TracedOperation) => {
    const out = output(operation);
    emit(op.opUnary, [code, regionIn(operation, 'x'), regionOf(out), out.size]);
  };

  const binary = (f: BinaryFunction) => (operation: TracedOperation) => {
    const out = output(operation);
    const operands = f.operands.map((name) => input(operation, name));
    if (!operands.every(({ size }) => size === out.size || size === 1)) {
      throw new UntraceableError(operation.kernel, 'it broadcasts more than a number');
    }
    emit(op.opBinary, [
      f.code,
      ...operands.map(regionOf),
      regionOf(out),
      out.size,
      ...operands.map(({ size }) => size),
    ]);
  };

  const lowerings: Readonly<Record<string, (operation: TracedOperation) => void>> = {
    [fusedConvolutionKernels.forward]: forward,
    [fusedConvolutionKernels.backpropFilter]: backpropFilter,
    [fusedConvolutionKernels.backpropInput]: backpropInput,
    [tf.MaxPool]: (operation) => pool(operation, op.opMaxPool, 'x', ['x']),
    [tf.MaxPoolGrad]: (operation) => pool(operation, op.opMaxPoolBackprop, 'input', ['input', 'dy']),
    [tf.AvgPool]: (operation) => pool(operation, op.opAveragePool, 'x', ['x']),
    [tf.AvgPoolGrad]: (operation) => pool(operation, op.opAveragePoolBackprop, 'input', ['dy']),
    ...Object.fromEntries([...unaryFunctions].map(([kernel, code]) => [kernel, unary(code)])),
    ...Object.fromEntries([...binaryFunctions].map(([kernel, f]) => [kernel, binary(f)])),
  };

  return {
    instructions,
    finalGradients,
    regionOf,
    append: (instruction) => void instructions.push(instruction),
    add(operation) {
      const lower = lowerings[operation.kernel];
      if (lower === undefined) throw new UntraceableError(operation.kernel, 'it has no kernel');
      lower(operation);
    },
  };
}

function depthOf({ filterHeight, filterWidth, inChannels }: ConvolutionInfo): number {
  return filterHeight * filterWidth * inChannels;
}

/** What winograd.ts can do. */
function suitsWinograd(info: ConvolutionInfo): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  const isThreeByThree = filterHeight === 3 && filterWidth === 3;
  const isDense = strideHeight === 1 && strideWidth === 1 && dilationHeight === 1 && dilationWidth === 1;
  return isThreeByThree && isDense && info.inChannels % 8 === 0 && info.outChannels % 8 === 0;
}
