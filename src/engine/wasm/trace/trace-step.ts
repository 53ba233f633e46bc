/** Traces one training step of a model, for one batch size, and translates it to instructions. */
import * as tf from '../../../shared/model/tfjs-core.ts';
import type { KernelSizes } from '../kernel-module.ts';
import { registerFusedConvolutionGradient } from '../op-by-op/wasm-kernels.ts';
import type { FinalGradient, Instruction, Region } from './instructions.ts';
import { lower } from './lower.ts';
import { startLowering } from './lowering.ts';
import * as op from './opcodes.ts';
import { startTracing, type TracedOperation, type TracedValue, type Tracer } from './trace.ts';
import { UntraceableError } from './untraceable-error.ts';

export interface StepToTrace {
  /** Maps images, [batch, …imageShape], to logits, [batch, classes]. */
  readonly forward: (images: tf.Tensor) => tf.Tensor;
  /** On the tracing backend, in the order of the flat vector. */
  readonly variables: readonly tf.Variable[];
  readonly imageShape: readonly number[];
  readonly batch: number;
  readonly sizes: KernelSizes;
}

export interface TracedStep {
  readonly batch: number;
  readonly instructions: readonly Instruction[];
  /** The index of `opLoss`, which is between the forward and the backward pass. */
  readonly loss: number;
  /** Where the loss is read and its gradient is written; both are [batch, classes]. */
  readonly logits: Region;
  readonly logitGradients: Region;
  /** In the order of their instructions. */
  readonly finalGradients: readonly FinalGradient[];
}

/** @throws UntraceableError that names an operation that cannot be traced */
export async function traceStep(step: StepToTrace): Promise<TracedStep> {
  registerFusedConvolutionGradient();
  const tracer = await startTracing();
  const { forward, variables, imageShape, batch } = step;
  let recorded: Recording | undefined;
  // tidy frees the tensors. Only the values that they stood for are needed afterwards.
  tf.tidy(() => {
    recorded = record(tracer, forward, variables, [batch, ...imageShape]);
  });
  return instructionsOf(tracer, recorded as unknown as Recording, step);
}

function instructionsOf(
  tracer: Tracer,
  recorded: Recording,
  { variables, imageShape, batch, sizes }: StepToTrace,
): TracedStep {
  const offsets = byteOffsets(variables);
  const lowering = startLowering({
    sizes,
    parameters: new Map(variables.map((variable, i) => [tracer.valueOf(variable), offsets[i] as number])),
    gradients: new Map(recorded.gradients.map((value, i) => [value, offsets[i] as number])),
  });
  const imageSize = imageShape.reduce((size, n) => size * n, 1);
  lowering.emit(op.opGatherImages, [{ kind: 'batch' }, lowering.regionOf(recorded.images), batch, imageSize]);
  for (const operation of recorded.forwardPass) lower(lowering, operation);
  const loss = lowering.instructions.length;
  const logits = lowering.regionOf(recorded.logits);
  const logitGradients = lowering.regionOf(recorded.logitGradients);
  lowering.emit(op.opLoss, [logits, logitGradients], 0);
  for (const operation of recorded.backwardPass) lower(lowering, operation);
  checkGradients(variables, offsets, lowering.finalGradients);
  return {
    batch,
    instructions: lowering.instructions,
    loss,
    logits,
    logitGradients,
    finalGradients: lowering.finalGradients,
  };
}

interface Recording {
  readonly images: TracedValue;
  readonly logits: TracedValue;
  readonly logitGradients: TracedValue;
  /** One for each variable. */
  readonly gradients: readonly TracedValue[];
  readonly forwardPass: readonly TracedOperation[];
  readonly backwardPass: readonly TracedOperation[];
}

function record(
  tracer: Tracer,
  forward: StepToTrace['forward'],
  variables: readonly tf.Variable[],
  shape: readonly number[],
): Recording {
  const images = tracer.input(shape);
  let forwardPass: readonly TracedOperation[] = [];
  let logits: TracedValue | undefined;
  let logitGradients: TracedValue | undefined;
  const { grads } = translatingErrors(() =>
    tf.variableGrads(() => {
      const output = forward(images);
      forwardPass = tracer.take();
      const gradients = tracer.input(output.shape);
      logits = tracer.valueOf(output);
      logitGradients = tracer.valueOf(gradients);
      return tf.customGrad(() => ({ value: tf.scalar(0), gradFunc: () => gradients }))(output) as tf.Scalar;
    }, [...variables]),
  );
  return {
    images: tracer.valueOf(images),
    logits: logits as unknown as TracedValue,
    logitGradients: logitGradients as unknown as TracedValue,
    gradients: variables.map(({ name }) => tracer.valueOf(grads[name] as tf.Tensor)),
    forwardPass,
    backwardPass: tracer.take(),
  };
}

/** Turns tfjs's error about a kernel that the tracing backend lacks into an `UntraceableError`. */
function translatingErrors<T>(trace: () => T): T {
  try {
    return trace();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const kernel = /Kernel '(\w+)' not registered/.exec(message)?.[1];
    throw kernel === undefined ? error : new UntraceableError(kernel, 'it cannot be traced');
  }
}

function byteOffsets(variables: readonly tf.Variable[]): readonly number[] {
  let offset = 0;
  return variables.map(({ size }) => {
    offset += size * 4;
    return offset - size * 4;
  });
}

function checkGradients(
  variables: readonly tf.Variable[],
  offsets: readonly number[],
  finalGradients: readonly FinalGradient[],
): void {
  const final = new Set(finalGradients.map(({ offset }) => offset));
  for (const [i, { name }] of variables.entries()) {
    if (!final.has(offsets[i] as number))
      throw new UntraceableError(name, 'the traced step does not compute its gradient');
  }
}
