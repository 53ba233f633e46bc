/** A step on its way from traced operations to instructions: what has been emitted, and where each value is. */
import type { KernelSizes } from '../kernel-module.ts';
import type { ConvolutionInfo } from '../op-by-op/wasm-convolution.ts';
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
  readonly sizes: KernelSizes;
  readonly instructions: readonly Instruction[];
  readonly finalGradients: readonly FinalGradient[];
  /** The convolutions of the forward pass, for their backward pass. */
  readonly convolutions: Map<ConvolutionInfo, ConvolutionState>;
  /** Appends an instruction, for every pass unless told otherwise. */
  emit(opcode: number, args: Instruction['args'], passes?: number): void;
  /** Where a value is. */
  regionOf(value: TracedValue): Region;
  /** @throws UntraceableError if the operation was called without this input */
  input(operation: TracedOperation, name: string): TracedValue;
  /** @throws UntraceableError if the operation has no such output */
  output(operation: TracedOperation, index?: number): TracedValue;
  /** Where an input is. */
  regionIn(operation: TracedOperation, name: string): Region;
  /**
   * Where an output goes that is the gradient of a parameter. A filter that is used twice would need a sum, which no
   * model here does.
   */
  gradientOf(operation: TracedOperation, index: number): ParameterGradient;
  /** The instruction that was emitted last completes these gradients. */
  complete(gradients: readonly ParameterGradient[]): void;
}

export interface ParameterGradient {
  readonly region: Region;
  /** Byte offset in the flat vector. */
  readonly offset: number;
}

/** What the backward pass of a convolution takes over from its forward pass. */
export interface ConvolutionState {
  /** Names what the convolution keeps; the same for every batch size. */
  readonly name: string;
  readonly isWinograd: boolean;
  /** The images with their padding, or the images in Winograd's form. */
  readonly images: Region;
  /** The gradient in Winograd's form: made for the filter, used again for the input. */
  gradient: Region | undefined;
}

export function transient(bytes: number): Region {
  return { kind: 'transient', bytes };
}

export function kept(key: string, bytes: number): Region {
  return { kind: 'kept', key, bytes };
}

export function startLowering({ sizes, parameters, gradients }: LoweringOptions): Lowering {
  const instructions: Instruction[] = [];
  const finalGradients: FinalGradient[] = [];
  const regions = new Map<TracedValue, Region>();

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

  function output({ kernel, outputs }: TracedOperation, index = 0): TracedValue {
    const value = outputs[index];
    if (value === undefined) throw new UntraceableError(kernel, `it has no output ${index}`);
    return value;
  }

  return {
    sizes,
    instructions,
    finalGradients,
    convolutions: new Map(),
    emit: (opcode, args, passes = op.everyPass) => void instructions.push({ opcode, args, passes }),
    regionOf,
    input,
    output,
    regionIn: (operation, name) => regionOf(input(operation, name)),
    gradientOf(operation, index) {
      const offset = gradients.get(output(operation, index));
      if (offset === undefined) throw new UntraceableError(operation.kernel, 'its gradient is not that of a parameter');
      return { region: { kind: 'gradients', offset }, offset };
    },
    complete(completed) {
      for (const { offset } of completed) finalGradients.push({ instruction: instructions.length - 1, offset });
    },
  };
}
