/** Translates traced operations to instructions: which kernel, on which regions, in which passes. */
import * as tf from '../../../shared/model/tfjs-core.ts';
import { poolShape } from '../op-by-op/pool-shape.ts';
import { fusedConvolutionKernels } from '../op-by-op/wasm-kernels.ts';
import { type BinaryFunction, binaryFunctions, unaryFunctions } from './elementwise.ts';
import { lowerConvolution, lowerFilterGradient, lowerInputGradient } from './lower-convolution.ts';
import type { Lowering } from './lowering.ts';
import * as op from './opcodes.ts';
import type { TracedOperation } from './trace.ts';
import { UntraceableError } from './untraceable-error.ts';

type Lower = (lowering: Lowering, operation: TracedOperation) => void;

const lowerings: Readonly<Record<string, Lower>> = {
  [fusedConvolutionKernels.forward]: lowerConvolution,
  [fusedConvolutionKernels.backpropFilter]: lowerFilterGradient,
  [fusedConvolutionKernels.backpropInput]: lowerInputGradient,
  [tf.MaxPool]: pool(op.opMaxPool, 'x', ['x']),
  [tf.MaxPoolGrad]: pool(op.opMaxPoolBackprop, 'input', ['input', 'dy']),
  [tf.AvgPool]: pool(op.opAveragePool, 'x', ['x']),
  [tf.AvgPoolGrad]: pool(op.opAveragePoolBackprop, 'input', ['dy']),
  ...Object.fromEntries([...unaryFunctions].map(([kernel, code]) => [kernel, unary(code)])),
  ...Object.fromEntries([...binaryFunctions].map(([kernel, f]) => [kernel, binary(f)])),
};

/** Emits an operation's instructions. @throws UntraceableError if there are none for it */
export function lower(lowering: Lowering, operation: TracedOperation): void {
  const lowerOperation = lowerings[operation.kernel];
  if (lowerOperation === undefined) throw new UntraceableError(operation.kernel, 'it has no kernel');
  lowerOperation(lowering, operation);
}

/**
 * @param image name of the input that has the images' shape
 * @param inputs names of the inputs that the kernel reads, in its order
 */
function pool(opcode: number, image: string, inputs: readonly string[]): Lower {
  return (lowering, operation) => {
    const x = { dtype: 'float32', shape: operation.inputShapes[image] ?? [] } as const;
    const { shape } = poolShape(x, operation.attributes);
    const regions = inputs.map((name) => lowering.regionIn(operation, name));
    lowering.emit(opcode, [...regions, lowering.regionOf(lowering.output(operation)), ...shape]);
  };
}

function unary(code: number): Lower {
  return (lowering, operation) => {
    const out = lowering.output(operation);
    lowering.emit(op.opUnary, [code, lowering.regionIn(operation, 'x'), lowering.regionOf(out), out.size]);
  };
}

function binary({ code, operands }: BinaryFunction): Lower {
  return (lowering, operation) => {
    const out = lowering.output(operation);
    const values = operands.map((name) => lowering.input(operation, name));
    if (!values.every(({ size }) => size === out.size || size === 1)) {
      throw new UntraceableError(operation.kernel, 'only a single number can be broadcast');
    }
    lowering.emit(op.opBinary, [
      code,
      ...values.map(lowering.regionOf),
      lowering.regionOf(out),
      out.size,
      ...values.map(({ size }) => size),
    ]);
  };
}
