/**
 * The engine over TensorFlow itself. A step is one run of one graph (tensorflow-step-graph.ts), which TensorFlow plans
 * and fuses as a whole, where tfjs would call one operation after the other.
 */
import * as tf from '../../shared/model/tfjs-core.ts';
import '../tfjs/cpu-backend.ts';
import { badInput } from '../../shared/core/errors.ts';
import type { Split } from '../../shared/data/dataset.ts';
import { crossEntropy } from '../../shared/model/cross-entropy.ts';
import { initialParameters } from '../../shared/model/initialize.ts';
import { optimizerSlots } from '../../shared/model/model-spec.ts';
import { buildModel } from '../../shared/model/zoo.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { checkFit, labelsOf } from '../engine-checks.ts';
import { totalSize } from '../flat-vector.ts';
import { artifactsOf, trainableVariables } from '../model-network.ts';
import { engineOf, type LogitsConsumer, type Replica } from '../replica.ts';
import { usableCores } from '../usable-cores.ts';
import { feeds, fetches } from './tensorflow-endpoints.ts';
import { threadsIn, visibleDevices } from './tensorflow-environment.ts';
import { loadBinding, loadMessages, type TensorflowManifest } from './tensorflow-installation.ts';
import { openSession } from './tensorflow-session.ts';
import { openState } from './tensorflow-state.ts';
import { buildStepGraph } from './tensorflow-step-graph.ts';

/** Images per chunk in `evaluate` and `predict`: limits the memory that activations take. */
const evaluationBatchSize = 250;

/** @throws PennygradError if TensorFlow cannot be loaded, or if the model has a layer that the graph cannot have */
export async function createTensorflowEngine(
  options: EngineOptions,
  manifest: TensorflowManifest,
  device: string,
): Promise<Engine> {
  checkFit(options);
  const { dataset, model: spec, optimizer, seed } = options;
  const { classes, inputShape } = spec;
  const pixels = inputShape[0] * inputShape[1] * inputShape[2];
  const { nodes, artifacts, shapes } = await describeModel(options);
  const parameterCount = totalSize(shapes);
  const binding = loadBinding(manifest);
  const session = openSession(binding, loadMessages(manifest), nodes);
  // TensorFlow computes on the first card that it sees.
  const card = binding.isUsingGpuDevice() ? (visibleDevices(0, 1, process.env.CUDA_VISIBLE_DEVICES) ?? '0') : undefined;
  const { count, images } = dataset.train;
  const { run } = session;
  run([{ name: feeds.trainImages, shape: [count, pixels], values: images }], [fetches.trainImagesSet]);
  const state = openState(run, parameterCount, optimizerSlots[optimizer.name].length);
  state.setParameters(
    initialParameters(
      shapes.map(({ shape }) => shape),
      seed,
    ),
  );

  function forward(split: Split, from: number, to: number, use: LogitsConsumer): void {
    for (let start = from; start < to; start += evaluationBatchSize) {
      const end = Math.min(start + evaluationBatchSize, to);
      const values = split.images.subarray(start * pixels, end * pixels);
      const [logits] = run([{ name: feeds.images, shape: [end - start, pixels], values }], [fetches.logits]);
      use(logits as Float32Array, start, end);
    }
  }

  const replica: Replica = {
    name: 'tensorflow',
    device,
    threads: card === undefined ? threadsIn(process.env, Math.ceil(usableCores())) : undefined,
    card,
    parameterCount,
    forward,
    artifacts: () => artifacts,
    getParameters: state.getParameters,
    setParameters: state.setParameters,
    getOptimizerState: state.getOptimizerState,
    setOptimizerState: state.setOptimizerState,
    async computeGradients(indices, gradients) {
      const labels = labelsOf(dataset.train, indices);
      const shape = [indices.length];
      const inputs = [
        { name: feeds.indices, shape, values: Int32Array.from(indices) },
        { name: feeds.labels, shape, values: Int32Array.from(labels) },
      ];
      const [gradient, logits] = run(inputs, [fetches.gradient, fetches.batchLogits]) as [Float32Array, Float32Array];
      gradients.set(gradient);
      // In double precision, as every engine reports the loss.
      return crossEntropy(logits, labels, classes);
    },
    applyGradients: (gradientSum, samples) => state.update(gradientSum, samples, optimizer.learningRate),
    dispose: () => session.close(),
  };
  return engineOf(replica, options);
}

/** Builds the model on tfjs's plain backend, describes it as a graph and disposes of it. */
async function describeModel({ model: spec, optimizer }: EngineOptions) {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const { network, logitLayers } = buildModel(spec);
  try {
    const variables = trainableVariables(network);
    const shapes = variables.map(({ shape, size }) => ({ shape, size }));
    const graph = buildStepGraph({
      layers: logitLayers,
      variables: shapes,
      imageShape: spec.inputShape,
      optimizer: optimizer.name,
    });
    if ('unsupported' in graph) {
      throw badInput(
        `engine tensorflow cannot train layer ${graph.unsupported} of model ${spec.name}; use --backend wasm or cpu`,
      );
    }
    return { nodes: graph.nodes, shapes, artifacts: artifactsOf(network, variables) };
  } finally {
    network.dispose();
  }
}
