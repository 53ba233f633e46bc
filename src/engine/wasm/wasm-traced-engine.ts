/**
 * The wasm engine at its fastest: every step is a captured program that runs in one or a few calls, in a memory of its
 * own that holds dataset, parameters and gradients.
 *
 * A batch is cut in micro-batches whose activations stay in the processor's cache from the forward pass to the backward
 * pass. What depends on the parameters alone is done in the first pass of a step, and what needs the sums over all
 * micro-batches in the last.
 */
import { PennygradError } from '../../shared/core/errors.ts';
import type { Split } from '../../shared/data/dataset.ts';
import { crossEntropy, softmaxRows } from '../../shared/model/cross-entropy.ts';
import { initialParameters } from '../../shared/model/initialize.ts';
import { optimizerSlots } from '../../shared/model/model-spec.ts';
import { buildModel } from '../../shared/model/zoo.ts';
import type { BatchResult, Engine, EngineOptions } from '../engine.ts';
import {
  checkFit,
  checkImages,
  checkIndices,
  checkInterval,
  checkOptimizerState,
  checkSamples,
  checkVector,
  labelsOf,
} from '../engine-checks.ts';
import { totalSize } from '../flat-vector.ts';
import { artifactsOf } from '../model-network.ts';
import type { UsableFlavour } from './kernel-module.ts';
import { updateParameters } from './optimizer-update.ts';
import { everyPass, firstPass, innerPass, lastPass } from './trace/opcodes.ts';
import { openTracedModel } from './trace/traced-model.ts';
import type { TracedProgram } from './trace/traced-program.ts';

/** Images of a micro-batch, at most. With the CNN's, what a pass works on takes about a core's own cache. */
const microBatchSize = 8;

/** @throws UntraceableError naming an operation of the model that no captured step can have */
export async function createTracedEngine(options: EngineOptions, flavour: UsableFlavour): Promise<Engine> {
  checkFit(options);
  const { dataset, model: spec } = options;
  const { inputShape, classes } = spec;
  const imageSize = inputShape.reduce((size, n) => size * n, 1);

  const traced = await openTracedModel(
    () => {
      const { network, logitLayers } = buildModel(spec);
      return { network, forward: logitLayers };
    },
    inputShape,
    microBatchSize,
    flavour,
  );
  const { memory, kernels, network, variables, parameterCount, parameters, gradients } = traced;
  const { programFor, selectBatch } = traced;
  const sizesByOffset = new Map<number, number>();
  for (const [i, { size }] of variables.entries()) sizesByOffset.set(totalSize(variables.slice(0, i)) * 4, size);
  const slots = optimizerSlots[options.optimizer.name].map(() => memory.allocate(parameterCount * 4));
  const splitAddresses = new Map<Split, number>();
  let iterations = 0;
  let disposed = false;

  const floats = (address: number) => memory.floats(address, parameterCount);

  function checkUsable(): void {
    if (disposed) throw new PennygradError('run-failed', 'the wasm engine was used after its disposal');
  }

  /** The address of a split's images, which are copied over when they are first needed. */
  function addressOf(split: Split): number {
    const known = splitAddresses.get(split);
    if (known !== undefined) return known;
    const address = memory.allocate(split.images.length);
    memory.bytes(address, split.images.length).set(split.images);
    splitAddresses.set(split, address);
    return address;
  }

  /** Forward over consecutive images at an address. */
  async function forEachLogits(images: number, from: number, to: number, use: LogitsConsumer): Promise<void> {
    checkUsable();
    for (let start = from; start < to; start += microBatchSize) {
      const count = Math.min(microBatchSize, to - start);
      const program = await programFor(count);
      selectBatch(
        images,
        Uint32Array.from({ length: count }, (_, i) => start + i),
      );
      // The parameters are packed in the first pass, and are the same in the others.
      program.runForward(start === from ? firstPass : innerPass);
      use(memory.floats(program.logits, count * classes), start, start + count);
    }
  }

  // Here and not later: who asks for an engine learns at once that the model cannot be captured.
  await programFor(microBatchSize);
  floats(parameters).set(
    initialParameters(
      variables.map(({ shape }) => shape),
      options.seed,
    ),
  );

  return {
    name: 'wasm',
    device: flavour.device,
    parameterCount,

    async getParameters() {
      checkUsable();
      return floats(parameters).slice();
    },

    async setParameters(values) {
      checkUsable();
      checkVector('parameters', values, parameterCount);
      floats(parameters).set(values);
    },

    getOptimizerState: async () => ({ iterations, slots: slots.map((slot) => floats(slot).slice()) }),

    async setOptimizerState(state) {
      checkUsable();
      checkOptimizerState(state, options.optimizer, parameterCount);
      iterations = state.iterations;
      for (const [i, slot] of slots.entries()) floats(slot).set(state.slots[i] as Float32Array);
    },

    artifacts: () => artifactsOf(network, variables),

    async computeGradients(indices, target, onReady) {
      checkUsable();
      checkVector('gradients', target, parameterCount);
      if (indices.length === 0) {
        target.fill(0);
        return { lossSum: 0, correct: 0 };
      }
      checkIndices(indices, dataset.train);
      const images = addressOf(dataset.train);
      const parts = cutEvenly(indices, microBatchSize);
      // All of them now: capturing one allocates, and leaves time for others to run.
      const programs = await Promise.all(parts.map(({ length }) => length).map(programFor));
      floats(gradients).fill(0);
      let lossSum = 0;
      let correct = 0;
      for (const [i, part] of parts.entries()) {
        const program = programs[i] as TracedProgram;
        const isLast = i === parts.length - 1;
        const pass = parts.length === 1 ? everyPass : i === 0 ? firstPass : isLast ? lastPass : innerPass;
        selectBatch(images, part);
        program.runForward(pass);
        const result = lossOf(program, labelsOf(dataset.train, part));
        lossSum += result.lossSum;
        correct += result.correct;
        program.runBackward(pass, isLast ? (offset) => deliver(offset, target, onReady) : undefined);
      }
      return { lossSum, correct };
    },

    async applyGradients(gradientSum, samples) {
      checkUsable();
      checkVector('gradients', gradientSum, parameterCount);
      checkSamples(samples);
      floats(gradients).set(gradientSum);
      iterations++;
      updateParameters(
        kernels,
        options.optimizer,
        { parameters, gradientSum: gradients, slots, out: parameters, count: parameterCount },
        { samples, iteration: iterations },
      );
    },

    async evaluate(name, from, to) {
      const split = dataset[name];
      checkInterval(name, split, from, to);
      let lossSum = 0;
      let correct = 0;
      await forEachLogits(addressOf(split), from, to, (logits, start, end) => {
        const chunk = crossEntropy(logits, split.labels.subarray(start, end), classes);
        lossSum += chunk.lossSum;
        correct += chunk.correct;
      });
      return { lossSum, correct };
    },

    async predict(images, count) {
      checkImages(images, count, inputShape);
      const probabilities = new Float32Array(count * classes);
      const address = memory.allocate(imageSize * microBatchSize);
      for (let start = 0; start < count; start += microBatchSize) {
        const chunk = images.subarray(start * imageSize, (start + microBatchSize) * imageSize);
        memory.bytes(address, chunk.length).set(chunk);
        await forEachLogits(address, 0, chunk.length / imageSize, (logits) =>
          probabilities.set(softmaxRows(logits, classes), start * classes),
        );
      }
      return probabilities;
    },

    dispose() {
      if (disposed) return;
      disposed = true;
      network.dispose();
    },
  };

  function lossOf(program: TracedProgram, labels: Uint8Array): BatchResult {
    const count = labels.length * classes;
    const logitGradients = memory.floats(program.logitGradients, count);
    return crossEntropy(memory.floats(program.logits, count), labels, classes, logitGradients);
  }

  function deliver(byteOffset: number, target: Float32Array, onReady?: (from: number, to: number) => void): void {
    const from = byteOffset / 4;
    const to = from + (sizesByOffset.get(byteOffset) as number);
    target.set(floats(gradients).subarray(from, to), from);
    onReady?.(from, to);
  }
}

type LogitsConsumer = (logits: Float32Array, start: number, end: number) => void;

/** As few parts of at most `size` as there can be, the longer ones first, none longer than another by more than one. */
function cutEvenly(indices: Uint32Array, size: number): readonly Uint32Array[] {
  const count = Math.ceil(indices.length / size);
  let end = 0;
  return Array.from({ length: count }, (_, i) => {
    const start = end;
    end += Math.ceil((indices.length - start) / (count - i));
    return indices.subarray(start, end);
  });
}
