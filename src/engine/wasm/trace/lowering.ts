/** State of the translation of a traced step to instructions: what has been emitted, and where each value is. */
import type { KernelSizes } from '../kernel-module.ts';
import type { ConvolutionInfo } from '../op-by-op/wasm-convolution.ts';
import type { FinalGradient, Instruction, Region } from './instructions.ts';
import * as op from './opcodes.ts';
import type { TracedOperation, TracedValue } from './trace.ts';
import { UntraceableError } from './untraceable-error.ts';

export interface LoweringOptions {
  readonly sizes: KernelSizes;
  /** Byte offsets in the flat vector of the values that are parameters. */
  readonly parameters: ReadonlyMap<TracedValue, number>;
  /** Byte offsets in the flat vector of the values that are gradients of parameters. */
  readonly gradients: ReadonlyMap<TracedValue, number>;
}

export interface Lowering {
  readonly sizes: KernelSizes;
  readonly instructions: readonly Instruction[];
  readonly finalGradients: readonly FinalGradient[];
  /** State of the forward pass's convolutions that their backward pass needs. */
  readonly convolutions: Map<ConvolutionInfo, ConvolutionState>;
  /** Appends an instruction. @param passes bits of opcodes.ts; every pass by default */
  emit(opcode: number, args: Instruction['args'], passes?: number): void;
  /** The region that holds a value. */
  regionOf(value: TracedValue): Region;
  /** @throws UntraceableError if the operation was called without this input */
  input(operation: TracedOperation, name: string): TracedValue;
  /** @throws UntraceableError if the operation has no such output */
  output(operation: TracedOperation, index?: number): TracedValue;
  /** The region that holds an input. */
  regionIn(operation: TracedOperation, name: string): Region;
  /**
   * The region for an output that is the gradient of a parameter. A filter that is used twice would need a sum; none of
   * the models has one.
   * @throws UntraceableError if the output is not the gradient of a parameter
   */
  gradientOf(operation: TracedOperation, index: number): ParameterGradient;
  /** Records that the last emitted instruction completes these gradients. */
  complete(gradients: readonly ParameterGradient[]): void;
}

export interface ParameterGradient {
  readonly region: Region;
  /** Byte offset in the flat vector. */
  readonly offset: number;
}

/** What the backward pass of a convolution needs from its forward pass. */
export interface ConvolutionState {
  /** Prefix of the keys of the convolution's kept regions; the same for every batch size. */
  readonly name: string;
  readonly isWinograd: boolean;
  /** The padded images, or the images in Winograd's form. */
  readonly images: Region;
  /** The gradient in Winograd's form: computed for the filter's gradient, used again for the input's. */
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
