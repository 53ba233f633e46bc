/**
 * Records what a function of tensors computes, without computing it. The tracing backend's kernels record the
 * operation and return a tensor with a shape, but without values. Gradients are recorded in the same way, because tfjs
 * computes them with the same kernels.
 */
import * as tf from '../../../shared/model/tfjs-core.ts';
import { poolShape } from '../op-by-op/pool-shape.ts';
import { type ConvolutionAttributes, fusedConvolutionKernels } from '../op-by-op/wasm-kernels.ts';
import { type BinaryFunction, binaryFunctions, unaryFunctions } from './elementwise.ts';

/** A value of the traced function. A tensor and its reshaped copies are the same value. */
export interface TracedValue {
  /** Number of float32 elements. */
  readonly size: number;
  /** The elements, if the function itself contains them. */
  readonly constant: Float32Array | undefined;
}

export interface TracedOperation {
  /** tfjs's name for the kernel. */
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, TracedValue>>;
  readonly inputShapes: Readonly<Record<string, readonly number[]>>;
  readonly attributes: tf.NamedAttrMap;
  readonly outputs: readonly TracedValue[];
}

export interface Tracer {
  /** A tensor that is passed to the function. */
  input(shape: readonly number[]): tf.Tensor;
  valueOf(tensor: tf.Tensor): TracedValue;
  /** The operations that were recorded since the last call, in order. */
  take(): readonly TracedOperation[];
}

const backendName = 'pennygrad-trace';

/** What tfjs passes around as a tensor's data id. */
interface TracedData {
  readonly value: TracedValue;
  /** How many tensors have it. tfjs counts tensors by the results of `disposeData`. */
  references: number;
}

let operations: TracedOperation[] = [];
let registered = false;

/** Makes the tracing backend the current one. The caller activates another one when it is done. */
export async function startTracing(): Promise<Tracer> {
  if (!registered) register();
  await tf.setBackend(backendName);
  operations = [];
  return {
    input: (shape) => tf.engine().makeTensorFromTensorInfo(result(shape)),
    valueOf: ({ dataId }) => (dataId as TracedData).value,
    take() {
      const taken = operations;
      operations = [];
      return taken;
    },
  };
}

function result(shape: readonly number[], constant?: Float32Array): tf.TensorInfo {
  const size = tf.util.sizeFromShape([...shape]);
  const value = { size, constant };
  return { dataId: { value, references: 1 } satisfies TracedData, shape: [...shape], dtype: 'float32' };
}

type OutputShapes = (
  inputs: Readonly<Record<string, tf.TensorInfo>>,
  attributes: tf.NamedAttrMap,
) => readonly (readonly number[])[];

/** The shapes of each kernel's outputs. Kernels that are not listed cannot be traced. */
const outputShapes: Readonly<Record<string, OutputShapes>> = {
  [fusedConvolutionKernels.forward]: (_, attributes) => [convolution(attributes).info.outShape],
  [fusedConvolutionKernels.backpropInput]: (_, attributes) => [convolution(attributes).info.inShape],
  [fusedConvolutionKernels.backpropFilter]: (_, attributes) => {
    const { filterShape, outChannels } = convolution(attributes).info;
    return [filterShape, [outChannels]];
  },
  [tf.MaxPool]: ({ x }, attributes) => [poolShape(x as tf.TensorInfo, attributes).outShape],
  [tf.MaxPoolGrad]: ({ input }) => [(input as tf.TensorInfo).shape],
  [tf.AvgPool]: ({ x }, attributes) => [poolShape(x as tf.TensorInfo, attributes).outShape],
  [tf.AvgPoolGrad]: ({ input }) => [(input as tf.TensorInfo).shape],
  ...Object.fromEntries([...unaryFunctions.keys()].map((kernel) => [kernel, sameShape])),
  ...Object.fromEntries([...binaryFunctions].map(([kernel, { operands }]) => [kernel, broadcast(operands)])),
};

function sameShape({ x }: Readonly<Record<string, tf.TensorInfo>>) {
  return [(x as tf.TensorInfo).shape];
}

function broadcast(operands: BinaryFunction['operands']): OutputShapes {
  return (inputs) => {
    const [a, b] = operands.map((name) => inputs[name]) as [tf.TensorInfo, tf.TensorInfo];
    return [tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape)];
  };
}

function convolution(attributes: tf.NamedAttrMap): ConvolutionAttributes {
  return attributes as unknown as ConvolutionAttributes;
}

function register(): void {
  registered = true;
  tf.registerBackend(backendName, () => tracingBackend());
  for (const [kernelName, shapesOf] of Object.entries(outputShapes)) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc({ inputs, attrs = {} }) {
        const given = inputs as Record<string, tf.TensorInfo>;
        const outputs = shapesOf(given, attrs).map((shape) => result(shape));
        operations.push({
          kernel: kernelName,
          inputs: mapValues(given, ({ dataId }) => (dataId as TracedData).value),
          inputShapes: mapValues(given, ({ shape }) => shape),
          attributes: attrs,
          outputs: outputs.map(({ dataId }) => (dataId as TracedData).value),
        });
        // tfjs takes an array for several outputs, even if it has only one element.
        return outputs.length === 1 ? (outputs[0] as tf.TensorInfo) : outputs;
      },
    });
  }
  // The same value with another shape or type. Everything is computed in float32.
  registerAlias(tf.Identity, ({ shape }) => shape);
  registerAlias(tf.Cast, ({ shape }) => shape);
  registerAlias(tf.Reshape, ({ shape }, { shape: wanted }) =>
    tf.util.inferFromImplicitShape(wanted as number[], tf.util.sizeFromShape(shape)),
  );
}

function registerAlias(
  kernelName: string,
  shapeOf: (x: tf.TensorInfo, attributes: { readonly shape?: unknown }) => number[],
): void {
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc({ inputs, attrs }) {
      const x = (inputs as Record<string, tf.TensorInfo>).x as tf.TensorInfo;
      (x.dataId as TracedData).references++;
      return { dataId: x.dataId, shape: shapeOf(x, (attrs ?? {}) as { shape?: unknown }), dtype: 'float32' };
    },
  });
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function tracingBackend(): tf.KernelBackend {
  return Object.assign(new tf.KernelBackend(), {
    write(values: tf.BackendValues, shape: number[]) {
      return result(shape, Float32Array.from(values as ArrayLike<number>)).dataId;
    },
    // tfjs calls this for tensors of another backend.
    move() {
      throw new Error('the traced function uses a tensor from outside');
    },
    readSync: (dataId: TracedData) => known(dataId),
    read: async (dataId: TracedData) => known(dataId),
    numDataIds: () => 0,
    incRef(dataId: TracedData) {
      dataId.references++;
    },
    refCount: ({ references }: TracedData) => references,
    disposeData(dataId: TracedData, force = false) {
      dataId.references--;
      return force || dataId.references <= 0;
    },
    memory: () => ({ unreliable: true }),
    floatPrecision: () => 32 as const,
    epsilon: () => 1e-7,
    dispose: () => {},
  });
}

function known({ value }: TracedData): Float32Array {
  if (value.constant === undefined)
    throw new Error('the traced function reads a value that is only known when it runs');
  return value.constant;
}
