/**
 * Training as one TensorFlow graph. A step is one call: gather → forward → loss → backward → one flat gradient. The
 * parameters, the optimizer's slots and the training images are variables of the graph, so they stay on its device. The
 * parameters are *one* flat variable, which is split into those of the layers.
 */
import { type OptimizerName, optimizerSlots } from '../../shared/model/model-spec.ts';
import type { Layer } from '../../shared/model/zoo.ts';
import { type Shaped, totalSize } from '../flat-vector.ts';
import { feeds, fetches } from './tensorflow-endpoints.ts';
import { createGraph, type DataType, type Graph, type GraphNode, onFloats } from './tensorflow-graph.ts';
import { graphLayer, type PlacedLayer } from './tensorflow-layers.ts';
import { addOptimizer } from './tensorflow-optimizer.ts';

export interface StepGraphOptions {
  /** Those up to the logits. */
  readonly layers: readonly Layer[];
  /** In the order of the flat vector. */
  readonly variables: readonly Shaped[];
  readonly imageShape: readonly [number, number, number];
  readonly optimizer: OptimizerName;
}

/** Builds the graph, or names the first layer that it cannot have. */
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

/** Adds a variable and the operation that sets it to what is fed. Returns the variable's handle. */
function residentVariable(graph: Graph, type: DataType, shape: readonly number[], feed: string, fetch: string): string {
  const handle = graph.add('VarHandleOp', [], {
    dtype: { type },
    shape: { shape },
    container: { text: '' },
    shared_name: { text: feed },
  });
  const value = graph.placeholder(feed, type, shape);
  const assigned = graph.add('AssignVariableOp', [handle, value], { dtype: { type } });
  // A run must fetch a tensor, and an assignment has none.
  graph.add('Identity', [graph.float(0), `^${assigned}`], onFloats, fetch);
  return handle;
}

function readVariable(graph: Graph, handle: string, name?: string): string {
  return graph.add('ReadVariableOp', [handle], { dtype: { type: 'float32' } }, name);
}

/** Splits the flat vector into the model's variables. */
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
  // The second output is the gradient of the summed loss.
  let dy: string | undefined = `${loss}:1`;
  const gradients: string[] = [];
  // Layers before the first with variables need no gradient.
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
