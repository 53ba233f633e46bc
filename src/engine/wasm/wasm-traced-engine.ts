/**
 * The fast wasm engine. A step is a traced program that takes a few calls to run. The engine has a memory of its own,
 * which holds dataset, parameters and gradients.
 *
 * A batch is cut into micro-batches, whose activations stay in the processor's cache between the forward and the
 * backward pass. Work that depends only on the parameters is done once for each update of them, and work that needs the
 * sums over all micro-batches in the last pass.
 */
import type { Split } from '../../shared/data/dataset.ts';
import { initialParameters } from '../../shared/model/initialize.ts';
import { buildModel } from '../../shared/model/zoo.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { checkFit } from '../engine-checks.ts';
import { artifactsOf } from '../model-network.ts';
import { engineOf, type LogitsConsumer, type Replica } from '../replica.ts';
import type { UsableFlavour } from './kernel-module.ts';
import { everyPass } from './trace/opcodes.ts';
import { openTracedModel } from './trace/traced-model.ts';
import { gradientsOf } from './traced-gradients.ts';
import { createTracedImages } from './traced-images.ts';
import { createTracedOptimizer } from './traced-optimizer.ts';

/** Largest number of images in a micro-batch. A pass of the CNN with eight fits a core's own cache. */
const microBatchSize = 8;

/** @throws UntraceableError that names an operation of the model that cannot be traced */
export async function createTracedEngine(options: EngineOptions, flavour: UsableFlavour): Promise<Engine> {
  checkFit(options);
  const { dataset, model: spec } = options;
  const { inputShape, classes } = spec;
  const build = () => {
    const { network, logitLayers } = buildModel(spec);
    return { network, forward: logitLayers };
  };
  const model = await openTracedModel(build, inputShape, microBatchSize, flavour);
  const { memory, network, variables, parameterCount, programFor, parametersChanged } = model;
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
      program.runForward(everyPass);
      use(memory.floats(program.logits, count * classes), start, start + count);
    }
  }

  // Traced now, so that a model that cannot be traced is found out when the engine is created.
  await programFor(microBatchSize);
  const shapes = variables.map(({ shape }) => shape);
  parameters().set(initialParameters(shapes, options.seed));

  const replica: Replica = {
    name: 'wasm',
    device: flavour.device,
    threads: 1,
    parameterCount,
    forward,
    artifacts: () => artifactsOf(network, variables),
    getParameters: () => parameters().slice(),
    setParameters(values) {
      parameters().set(values);
      parametersChanged();
    },
    getOptimizerState: optimizer.getState,
    setOptimizerState: optimizer.setState,
    computeGradients: (indices, target, onReady) =>
      computeGradients(dataset.train, images.resident(dataset.train), indices, target, onReady),
    applyGradients(gradientSum, samples) {
      memory.floats(model.gradients, parameterCount).set(gradientSum);
      optimizer.update(samples);
      parametersChanged();
    },
    dispose: () => network.dispose(),
  };
  return engineOf(replica, options);
}
