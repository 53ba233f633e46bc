/** The gradient of a batch, computed by traced programs in micro-batches. */
import type { Split } from '../../shared/data/dataset.ts';
import { crossEntropy } from '../../shared/model/cross-entropy.ts';
import type { BatchResult } from '../engine.ts';
import { labelsOf } from '../engine-checks.ts';
import { totalSize } from '../flat-vector.ts';
import { everyPass, firstPass, innerPass, lastPass } from './trace/opcodes.ts';
import type { TracedModel } from './trace/traced-model.ts';
import type { TracedProgram } from './trace/traced-program.ts';

/** See `Engine.computeGradients`; for at least one index. @param images address of the split's images */
export type ComputeGradients = (
  split: Split,
  images: number,
  indices: Uint32Array,
  target: Float32Array,
  onReady: ((from: number, to: number) => void) | undefined,
) => Promise<BatchResult>;

/** @param microBatchSize largest number of images in a micro-batch */
export function gradientsOf(model: TracedModel, classes: number, microBatchSize: number): ComputeGradients {
  const { memory, variables, parameterCount, programFor, selectBatch } = model;
  const gradients = () => memory.floats(model.gradients, parameterCount);
  const sizesByOffset = new Map(variables.map(({ size }, i) => [totalSize(variables.slice(0, i)) * 4, size]));

  function lossOf(program: TracedProgram, labels: Uint8Array): BatchResult {
    const count = labels.length * classes;
    const logitGradients = memory.floats(program.logitGradients, count);
    return crossEntropy(memory.floats(program.logits, count), labels, classes, logitGradients);
  }

  function deliver(byteOffset: number, target: Float32Array, onReady?: (from: number, to: number) => void): void {
    const from = byteOffset / 4;
    const to = from + (sizesByOffset.get(byteOffset) as number);
    target.set(gradients().subarray(from, to), from);
    onReady?.(from, to);
  }

  return async (split, images, indices, target, onReady) => {
    const parts = cutEvenly(indices, microBatchSize);
    // Traced before the loop: tracing allocates memory, and while it waits other calls may run.
    const programs = await Promise.all(parts.map(({ length }) => length).map(programFor));
    gradients().fill(0);
    let lossSum = 0;
    let correct = 0;
    for (const [i, part] of parts.entries()) {
      const program = programs[i] as TracedProgram;
      const isLast = i === parts.length - 1;
      const pass = parts.length === 1 ? everyPass : i === 0 ? firstPass : isLast ? lastPass : innerPass;
      selectBatch(images, part);
      program.runForward(pass);
      const result = lossOf(program, labelsOf(split, part));
      lossSum += result.lossSum;
      correct += result.correct;
      program.runBackward(pass, isLast ? (offset) => deliver(offset, target, onReady) : undefined);
    }
    return { lossSum, correct };
  };
}

/** Cuts into as few parts of at most `size` as possible. Their lengths differ by at most one, longer parts first. */
function cutEvenly(indices: Uint32Array, size: number): readonly Uint32Array[] {
  const count = Math.ceil(indices.length / size);
  let end = 0;
  return Array.from({ length: count }, (_, i) => {
    const start = end;
    end += Math.ceil((indices.length - start) / (count - i));
    return indices.subarray(start, end);
  });
}
