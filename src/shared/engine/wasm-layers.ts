/** Which layers run as one kernel forward and one or two backward, and how. */
import * as tf from '@tensorflow/tfjs-core';
import type { Layer } from '../model/zoo.ts';
import type { GradientReport } from './tfjs-backend.ts';
import { denseInfo } from './wasm-convolution.ts';
import { convolutionWithBias, type ParameterGradientListener } from './wasm-kernels.ts';
import type { WasmMemory } from './wasm-memory.ts';

type LayerFunction = (x: tf.Tensor) => tf.Tensor;

/**
 * Conv2D and Dense with a bias and no activation or a rectifier; undefined for everything else, which then runs as tfjs
 * runs it. Expects a layer that has been built.
 */
export function fuseWasmLayer(memory: WasmMemory, layer: Layer, report: GradientReport): LayerFunction | undefined {
  const config = layer.getConfig() as unknown as Config;
  const [kernel, bias] = layer.trainableWeights.map((weight) => weight.read());
  if (!(kernel instanceof tf.Variable && bias instanceof tf.Variable)) return undefined;
  if (config.activation !== 'linear' && config.activation !== 'relu') return undefined;
  const relu = config.activation === 'relu';
  // A sequential model uses a layer once, so what one operation's backward pass makes is all there is.
  const onGradients: ParameterGradientListener = (dKernel, dBias) => {
    report(kernel, memory.floats(memory.addressOf(dKernel), dKernel.size));
    report(bias, memory.floats(memory.addressOf(dBias), dBias.size));
  };
  switch (layer.getClassName()) {
    case 'Conv2D':
      return config.dataFormat === 'channelsLast'
        ? fuseConvolution(kernel, bias, config, relu, onGradients)
        : undefined;
    case 'Dense':
      return fuseDense(kernel, bias, relu, onGradients);
    default:
      return undefined;
  }
}

/** What is read of tfjs's configurations of Conv2D and Dense. */
interface Config {
  readonly activation?: unknown;
  readonly dataFormat?: unknown;
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
  readonly dilationRate: [number, number];
}

function fuseConvolution(
  filter: tf.Tensor,
  bias: tf.Tensor,
  config: Config,
  relu: boolean,
  onGradients: ParameterGradientListener,
): LayerFunction {
  const { strides, padding, dilationRate } = config;
  const filterShape = filter.shape as [number, number, number, number];
  return (x) => {
    const shape = x.shape as [number, number, number, number];
    const info = tf.backend_util.computeConv2DInfo(shape, filterShape, strides, dilationRate, padding);
    return convolutionWithBias(x, filter, bias, { info, relu, onGradients });
  };
}

function fuseDense(
  kernel: tf.Tensor,
  bias: tf.Tensor,
  relu: boolean,
  onGradients: ParameterGradientListener,
): LayerFunction {
  const [inputs, units] = kernel.shape as [number, number];
  return (x) => {
    const rows = tf.reshape(x, [-1, inputs]);
    const info = denseInfo(rows.shape[0], inputs, units);
    const y = convolutionWithBias(rows, kernel, bias, { info, relu, onGradients });
    return tf.reshape(y, [...x.shape.slice(0, -1), units]);
  };
}
