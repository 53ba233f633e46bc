/** Translates layers to operations of a TensorFlow graph, forward and backward. */
import type { Layer } from '../../shared/model/zoo.ts';
import { type Attribute, type Graph, onFloats } from './tensorflow-graph.ts';

/** A layer placed in a graph. */
export interface PlacedLayer {
  readonly output: string;
  /**
   * Adds the layer's backward pass.
   * @param needsInput whether the gradient of the input is needed, because an earlier layer has variables
   */
  backward(outputGradient: string, needsInput: boolean): LayerGradients;
}

export interface LayerGradients {
  /** One for each of the layer's variables, in the same order. */
  readonly variables: readonly string[];
  readonly input: string | undefined;
}

type Place = (graph: Graph, input: string, variables: readonly string[]) => PlacedLayer;

/** The part that is used of tfjs's layer configurations. */
interface Config {
  readonly activation?: unknown;
  readonly dataFormat?: unknown;
  readonly useBias?: boolean;
  readonly strides: readonly [number, number];
  readonly padding: 'same' | 'valid';
  readonly dilationRate: readonly [number, number];
  readonly poolSize: readonly [number, number];
}

/** How to place a layer in a graph; undefined if the graph cannot have it. */
export function graphLayer(layer: Layer): Place | undefined {
  const config = layer.getConfig() as unknown as Config;
  const kind = layer.getClassName();
  if (kind === 'Flatten') return placeFlatten;
  if (kind === 'MaxPooling2D') return config.dataFormat === 'channelsLast' ? maxPooling(config) : undefined;
  if (config.activation !== 'linear' && config.activation !== 'relu') return undefined;
  const relu = config.activation === 'relu';
  if (kind === 'Dense') return withBias(placeProduct, config.useBias !== false, relu);
  if (kind === 'Conv2D' && config.dataFormat === 'channelsLast') {
    return withBias(convolution(config), config.useBias !== false, relu);
  }
  return undefined;
}

const placeFlatten: Place = (graph, input) => {
  const reshape = (x: string, shape: string) =>
    graph.add('Reshape', [x, shape], { ...onFloats, Tshape: { type: 'int32' } });
  const shape = shapeOf(graph, input);
  // Keeps the first dimension and joins the others.
  const samples = graph.add('StridedSlice', [shape, graph.integers([0]), graph.integers([1]), graph.integers([1])], {
    T: { type: 'int32' },
    Index: { type: 'int32' },
  });
  const rows = graph.add('ConcatV2', [samples, graph.integers([-1]), graph.integer(0)], {
    N: { int: 2 },
    T: { type: 'int32' },
    Tidx: { type: 'int32' },
  });
  return {
    output: reshape(input, rows),
    backward: (dy, needsInput) => ({ variables: [], input: needsInput ? reshape(dy, shape) : undefined }),
  };
};

function maxPooling({ poolSize, strides, padding }: Config): Place {
  const attributes = {
    ...onFloats,
    ksize: { ints: [1, ...poolSize, 1] },
    strides: { ints: [1, ...strides, 1] },
    padding: { text: padding.toUpperCase() },
    data_format: { text: 'NHWC' },
  };
  return (graph, input) => {
    const output = graph.add('MaxPool', [input], attributes);
    return {
      output,
      backward: (dy, needsInput) => ({
        variables: [],
        input: needsInput ? graph.add('MaxPoolGrad', [input, output, dy], attributes) : undefined,
      }),
    };
  };
}

/** The product of a layer with its kernel, without bias and activation. */
interface PlacedProduct {
  readonly output: string;
  kernelGradient(dy: string): string;
  inputGradient(dy: string): string;
}

type PlaceProduct = (graph: Graph, input: string, kernel: string) => PlacedProduct;

function withBias(place: PlaceProduct, hasBias: boolean, relu: boolean): Place {
  return (graph, input, [kernel = '', bias = '']) => {
    const product = place(graph, input, kernel);
    const shifted = hasBias ? graph.add('BiasAdd', [product.output, bias], onFloats) : product.output;
    const output = relu ? graph.add('Relu', [shifted], onFloats) : shifted;
    return {
      output,
      backward(outputGradient, needsInput) {
        const dy = relu ? graph.add('ReluGrad', [outputGradient, output], onFloats) : outputGradient;
        const biasGradient = hasBias ? [graph.add('BiasAddGrad', [dy], onFloats)] : [];
        return {
          variables: [product.kernelGradient(dy), ...biasGradient],
          input: needsInput ? product.inputGradient(dy) : undefined,
        };
      },
    };
  };
}

const placeProduct: PlaceProduct = (graph, input, kernel) => {
  const multiply = (a: string, b: string, transposeA: boolean, transposeB: boolean) =>
    graph.add('MatMul', [a, b], {
      ...onFloats,
      transpose_a: { bool: transposeA },
      transpose_b: { bool: transposeB },
    });
  return {
    output: multiply(input, kernel, false, false),
    kernelGradient: (dy) => multiply(input, dy, true, false),
    inputGradient: (dy) => multiply(dy, kernel, false, true),
  };
};

function convolution({ strides, padding, dilationRate }: Config): PlaceProduct {
  const attributes: Readonly<Record<string, Attribute>> = {
    ...onFloats,
    strides: { ints: [1, ...strides, 1] },
    dilations: { ints: [1, ...dilationRate, 1] },
    padding: { text: padding.toUpperCase() },
    data_format: { text: 'NHWC' },
  };
  return (graph, input, kernel) => ({
    output: graph.add('Conv2D', [input, kernel], attributes),
    kernelGradient: (dy) => graph.add('Conv2DBackpropFilter', [input, shapeOf(graph, kernel), dy], attributes),
    inputGradient: (dy) => graph.add('Conv2DBackpropInput', [shapeOf(graph, input), kernel, dy], attributes),
  });
}

function shapeOf(graph: Graph, tensor: string): string {
  return graph.add('Shape', [tensor], { ...onFloats, out_type: { type: 'int32' } });
}
