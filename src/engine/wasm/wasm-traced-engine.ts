/**
 * The wasm engine at its fastest: every step is a traced program that runs in one or a few calls, in a memory of its own
 * that holds dataset, parameters and gradients.
 *
 * A batch is cut in micro-batches whose activations stay in the processor's cache from the forward pass to the backward
 * pass. What depends on the parameters alone is done in the first pass of a step, and what needs the sums over all
 * micro-batches in the last.
 */
import type { Split } from '../../shared/data/dataset.ts';
import { initialParameters } from '../../shared/model/initialize.ts';
import { buildModel } from '../../shared/model/zoo.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { checkFit } from '../engine-checks.ts';
import { artifactsOf } from '../model-network.ts';
import { engineOf, type LogitsConsumer, type Replica } from '../replica.ts';
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

  const parameters = () => memory.floats(model.parameters, parameterCount);

  async function forward(split: Split, from: number, to: number, use: LogitsConsumer): Promise<void> {
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

  const replica: Replica = {
    name: 'wasm',
    device: flavour.device,
    parameterCount,
    forward,
    artifacts: () => artifactsOf(network, variables),
    getParameters: () => parameters().slice(),
    setParameters: (values) => parameters().set(values),
    getOptimizerState: optimizer.getState,
    setOptimizerState: optimizer.setState,
    computeGradients: (indices, target, onReady) =>
      computeGradients(dataset.train, images.resident(dataset.train), indices, target, onReady),
    applyGradients(gradientSum, samples) {
      memory.floats(model.gradients, parameterCount).set(gradientSum);
      optimizer.update(samples);
    },
    dispose: () => network.dispose(),
  };
  return engineOf(replica, options);
}
