/**
 * The wasm engine at its fastest: every step is a traced program that runs in one or a few calls, in a memory of its own
 * that holds dataset, parameters and gradients.
 *
 * A batch is cut in micro-batches whose activations stay in the processor's cache from the forward pass to the backward
 * pass. What depends on the parameters alone is done in the first pass of a step, and what needs the sums over all
 * micro-batches in the last.
 */
import { PennygradError } from '../../shared/core/errors.ts';
import type { Split } from '../../shared/data/dataset.ts';
import { initialParameters } from '../../shared/model/initialize.ts';
import { buildModel } from '../../shared/model/zoo.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { checkFit, checkIndices, checkOptimizerState, checkSamples, checkVector } from '../engine-checks.ts';
import { evaluation, type LogitsConsumer } from '../evaluation.ts';
import { artifactsOf } from '../model-network.ts';
import type { UsableFlavour } from './kernel-module.ts';
import { firstPass, innerPass } from './trace/opcodes.ts';
import { openTracedModel } from './trace/traced-model.ts';
import { gradientsOf } from './traced-gradients.ts';
import { createTracedImages } from './traced-images.ts';
import { createTracedOptimizer } from './traced-optimizer.ts';

/** Images of a micro-batch, at most. With the CNN's, what a pass works on takes about a core's own cache. */
const microBatchSize = 8;

/** @throws UntraceableError naming an operation of the model that no traced step can have */
export async function createTracedEngine(options: EngineOptions, flavour: UsableFlavour): Promise<Engine> {
  checkFit(options);
  const { dataset, model: spec } = options;
  const { inputShape, classes } = spec;
  const build = () => {
    const { network, logitLayers } = buildModel(spec);
    return { network, forward: logitLayers };
  };
  const model = await openTracedModel(build, inputShape, microBatchSize, flavour);
  const { memory, network, variables, parameterCount, programFor } = model;
  const optimizer = createTracedOptimizer(model, options.optimizer);
  const images = createTracedImages(memory, dataset, inputShape[0] * inputShape[1] * inputShape[2], microBatchSize);
  const computeGradients = gradientsOf(model, classes, microBatchSize);
  let disposed = false;

  const parameters = () => memory.floats(model.parameters, parameterCount);

  function checkUsable(): void {
    if (disposed) throw new PennygradError('run-failed', 'the wasm engine was used after its disposal');
  }

  async function forward(split: Split, from: number, to: number, use: LogitsConsumer): Promise<void> {
    checkUsable();
    for (let start = from; start < to; start += microBatchSize) {
      const count = Math.min(microBatchSize, to - start);
      const program = await programFor(count);
      const { address, first } = images.place(split, start, count);
      model.selectBatch(
        address,
        Uint32Array.from({ length: count }, (_, i) => first + i),
      );
      // The parameters are packed in the first pass, and are the same in the others.
      program.runForward(start === from ? firstPass : innerPass);
      use(memory.floats(program.logits, count * classes), start, start + count);
    }
  }

  // Here and not later: who asks for an engine learns at once that the model cannot be traced.
  await programFor(microBatchSize);
  const shapes = variables.map(({ shape }) => shape);
  parameters().set(initialParameters(shapes, options.seed));

  return {
    name: 'wasm',
    device: flavour.device,
    parameterCount,
    ...evaluation(options, forward),
    artifacts: () => artifactsOf(network, variables),

    async getParameters() {
      checkUsable();
      return parameters().slice();
    },

    async setParameters(values) {
      checkUsable();
      checkVector('parameters', values, parameterCount);
      parameters().set(values);
    },

    getOptimizerState: async () => optimizer.getState(),

    async setOptimizerState(state) {
      checkUsable();
      checkOptimizerState(state, options.optimizer, parameterCount);
      optimizer.setState(state);
    },

    async computeGradients(indices, target, onReady) {
      checkUsable();
      checkVector('gradients', target, parameterCount);
      if (indices.length === 0) {
        target.fill(0);
        return { lossSum: 0, correct: 0 };
      }
      checkIndices(indices, dataset.train);
      return computeGradients(dataset.train, images.resident(dataset.train), indices, target, onReady);
    },

    async applyGradients(gradientSum, samples) {
      checkUsable();
      checkVector('gradients', gradientSum, parameterCount);
      checkSamples(samples);
      memory.floats(model.gradients, parameterCount).set(gradientSum);
      optimizer.update(samples);
    },

    dispose() {
      if (disposed) return;
      disposed = true;
      network.dispose();
    },
  };
}
