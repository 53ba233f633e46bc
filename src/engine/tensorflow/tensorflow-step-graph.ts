/**
 * The whole of training as one TensorFlow graph, which is run in one call a step: gather → forward → loss → backward →
 * one flat gradient. The parameters, the optimizer's moments and the training images are variables of the graph, so
 * they stay on its device; the parameters are *one* flat variable of which the layers see pieces.
 */
import type { OptimizerName } from '../../shared/model/model-spec.ts';
import { adamConstants, optimizerSlots } from '../../shared/model/model-spec.ts';
import type { Layer } from '../../shared/model/zoo.ts';
import { type Shaped, totalSize } from '../flat-vector.ts';
import { createGraph, type DataType, type Graph, type GraphNode, onFloats } from './tensorflow-graph.ts';
import { graphLayer, type PlacedLayer } from './tensorflow-layers.ts';

export interface StepGraphOptions {
  /** Up to the logits. */
  readonly layers: readonly Layer[];
  /** In the order of the flat vector. */
  readonly variables: readonly Shaped[];
  readonly imageShape: readonly [number, number, number];
  readonly optimizer: OptimizerName;
}

/** Names of what goes in and out. `slot…` are the optimizer's, numbered from 0. */
export const feeds = {
  /** uint8 [count, pixels]. */
  trainImages: 'train_images',
  parameters: 'parameters_in',
  slot: (index: number) => `slot_${index}_in`,
  /** int32 [batch], of training images. */
  indices: 'indices',
  /** int32 [batch]. */
  labels: 'labels',
  /** uint8 [count, pixels]: images to classify. */
  images: 'images',
  gradientSum: 'gradient_sum',
  /** float32 [5]: see `optimizerScalars`. */
  scalars: 'scalars',
} as const;

export const fetches = {
  trainImagesSet: 'train_images_set',
  parametersSet: 'parameters_set',
  slotSet: (index: number) => `slot_${index}_set`,
  parameters: 'parameters_out',
  slot: (index: number) => `slot_${index}_out`,
  /** One flat vector: the sum over the batch. */
  gradient: 'gradient',
  batchLogits: 'batch_logits',
  logits: 'logits',
  applied: 'applied',
} as const;

/** The operations of the graph, or the first layer that TensorFlow's graph cannot have. */
export function buildStepGraph(options: StepGraphOptions): { readonly nodes: readonly GraphNode[] } | Unsupported {
  const unsupported = options.layers.find((layer) => graphLayer(layer) === undefined);
  if (unsupported !== undefined) return { unsupported: `${unsupported.getClassName()} '${unsupported.name}'` };
  const graph = createGraph();
  const parameterCount = totalSize(options.variables);
  const pixels = options.imageShape.reduce((product, n) => product * n);

  const images = residentVariable(graph, 'uint8', [-1, pixels], feeds.trainImages, fetches.trainImagesSet);
  const parameters = residentVariable(graph, 'float32', [parameterCount], feeds.parameters, fetches.parametersSet);
  const slots = optimizerSlots[options.optimizer].map((_, i) =>
    residentVariable(graph, 'float32', [parameterCount], feeds.slot(i), fetches.slotSet(i)),
  );
  readVariable(graph, parameters, fetches.parameters);
  for (const [i, slot] of slots.entries()) readVariable(graph, slot, fetches.slot(i));

  addStep(graph, options, images, parameters);
  const fed = graph.placeholder(feeds.images, 'uint8', [-1, pixels]);
  const classified = forward(graph, options, fed, splitParameters(graph, options, parameters));
  graph.add('Identity', [classified.logits], onFloats, fetches.logits);
  addOptimizer(graph, options.optimizer, parameters, slots, parameterCount);
  return { nodes: graph.nodes };
}

export interface Unsupported {
  readonly unsupported: string;
}

/** A variable of the graph, with the operation that sets it from what is fed. Returns its handle. */
function residentVariable(graph: Graph, type: DataType, shape: readonly number[], feed: string, fetch: string): string {
  const handle = graph.add('VarHandleOp', [], {
    dtype: { type },
    shape: { shape },
    container: { text: '' },
    shared_name: { text: feed },
  });
  const value = graph.placeholder(feed, type, shape);
  const assigned = graph.add('AssignVariableOp', [handle, value], { dtype: { type } });
  // A run must fetch something.
  graph.add('Identity', [graph.float(0), `^${assigned}`], onFloats, fetch);
  return handle;
}

function readVariable(graph: Graph, handle: string, name?: string): string {
  return graph.add('ReadVariableOp', [handle], { dtype: { type: 'float32' } }, name);
}

/** The flat vector as the model's variables. */
function splitParameters(graph: Graph, { variables }: StepGraphOptions, parameters: string): readonly string[] {
  const sizes = graph.integers(variables.map(({ size }) => size));
  const pieces = graph.add('SplitV', [readVariable(graph, parameters), sizes, graph.integer(0)], {
    ...onFloats,
    num_split: { int: variables.length },
    Tlen: { type: 'int32' },
  });
  return variables.map(({ shape }, i) =>
    graph.add('Reshape', [`${pieces}:${i}`, graph.integers(shape)], { ...onFloats, Tshape: { type: 'int32' } }),
  );
}

interface Forward {
  readonly logits: string;
  readonly layers: readonly PlacedLayer[];
}

function forward(
  graph: Graph,
  { layers, imageShape }: StepGraphOptions,
  bytes: string,
  variables: readonly string[],
): Forward {
  const floats = graph.add('Cast', [bytes], { SrcT: { type: 'uint8' }, DstT: { type: 'float32' } });
  const scaled = graph.add('RealDiv', [floats, graph.float(255)], onFloats);
  let output = graph.add('Reshape', [scaled, graph.integers([-1, ...imageShape])], {
    ...onFloats,
    Tshape: { type: 'int32' },
  });
  let used = 0;
  const placed = layers.map((layer) => {
    const own = variables.slice(used, used + layer.trainableWeights.length);
    used += own.length;
    const place = graphLayer(layer);
    if (place === undefined) throw new Error(`${layer.name} cannot be in a graph`);
    const result = place(graph, output, own);
    output = result.output;
    return result;
  });
  return { logits: output, layers: placed };
}

function addStep(graph: Graph, options: StepGraphOptions, images: string, parameters: string): void {
  const indices = graph.placeholder(feeds.indices, 'int32', [-1]);
  const batch = graph.add('ResourceGather', [images, indices], {
    dtype: { type: 'uint8' },
    Tindices: { type: 'int32' },
    batch_dims: { int: 0 },
    validate_indices: { bool: true },
  });
  const { logits, layers } = forward(graph, options, batch, splitParameters(graph, options, parameters));
  graph.add('Identity', [logits], onFloats, fetches.batchLogits);

  const labels = graph.placeholder(feeds.labels, 'int32', [-1]);
  const loss = graph.add('SparseSoftmaxCrossEntropyWithLogits', [logits, labels], {
    ...onFloats,
    Tlabels: { type: 'int32' },
  });
  // Its second output: the gradient of the summed loss.
  let dy: string | undefined = `${loss}:1`;
  const gradients: string[] = [];
  // Layers before the first that learns need no gradient.
  const firstLearner = options.layers.findIndex((layer) => layer.trainableWeights.length > 0);
  for (let i = layers.length - 1; i >= firstLearner && dy !== undefined; i--) {
    const { variables, input } = (layers[i] as PlacedLayer).backward(dy, i > firstLearner);
    gradients.unshift(...variables);
    dy = input;
  }
  const flat = gradients.map((gradient) =>
    graph.add('Reshape', [gradient, graph.integers([-1])], { ...onFloats, Tshape: { type: 'int32' } }),
  );
  graph.add(
    'ConcatV2',
    [...flat, graph.integer(0)],
    { ...onFloats, N: { int: flat.length }, Tidx: { type: 'int32' } },
    fetches.gradient,
  );
}

/**
 * What `feeds.scalars` holds: samples, learning rate, β₁ᵗ, β₂ᵗ and ε·√(1 − β₂ᵗ). TensorFlow adds its ε to the root of
 * the moment as it is, Kingma and Ba (2015, algorithm 1) to the root of the corrected one: hence the factor.
 * @param iteration counts from 1
 */
export function optimizerScalars(samples: number, learningRate: number, iteration: number): Float32Array {
  const { beta1, beta2, epsilon } = adamConstants;
  const power2 = beta2 ** iteration;
  return Float32Array.of(samples, learningRate, beta1 ** iteration, power2, epsilon * Math.sqrt(1 - power2));
}

function addOptimizer(
  graph: Graph,
  optimizer: OptimizerName,
  parameters: string,
  slots: readonly string[],
  parameterCount: number,
): void {
  const sum = graph.placeholder(feeds.gradientSum, 'float32', [parameterCount]);
  const scalars = graph.placeholder(feeds.scalars, 'float32', [5]);
  const unpacked = graph.add('Unpack', [scalars], { ...onFloats, num: { int: 5 }, axis: { int: 0 } });
  const scalar = (index: number) => `${unpacked}:${index}`;
  const rate = scalar(1);
  const mean = graph.add('RealDiv', [sum, scalar(0)], onFloats);
  const [first = '', second = ''] = slots;
  const update =
    optimizer === 'sgd'
      ? graph.add('ResourceApplyGradientDescent', [parameters, rate, mean], onFloats)
      : graph.add(
          'ResourceApplyAdam',
          [
            ...[parameters, first, second, scalar(2), scalar(3), rate],
            ...[graph.float(adamConstants.beta1), graph.float(adamConstants.beta2), scalar(4), mean],
          ],
          onFloats,
        );
  graph.add('Identity', [graph.float(0), `^${update}`], onFloats, fetches.applied);
}
