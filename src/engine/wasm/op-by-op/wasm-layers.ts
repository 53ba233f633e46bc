/** Layers that run as one kernel forward and one or two kernels backward. */
import * as tf from '../../../shared/model/tfjs-core.ts';
import * as layers from '../../../shared/model/tfjs-layers.ts';
import type { Layer } from '../../../shared/model/zoo.ts';
import { denseInfo } from './wasm-convolution.ts';
import { type ConvolutionAttributes, convolutionWithBias, type ParameterGradientListener } from './wasm-kernels.ts';

type ActivationIdentifier = Parameters<typeof layers.layers.activation>[0]['activation'];

type LayerFunction = (x: tf.Tensor) => tf.Tensor;

/** Called with the gradients of a layer's kernel and bias during the backward pass. */
export type LayerGradientListener = (
  ...args: [kernel: tf.Variable, bias: tf.Variable, ...Parameters<ParameterGradientListener>]
) => void;

/**
 * A faster way to run Conv2D and Dense layers that have a bias; undefined for all other layers. A rectifier is part of
 * the kernel, other activations are separate operations. The layer must have been built.
 */
export function fuseWasmLayer(layer: Layer, listener?: LayerGradientListener): LayerFunction | undefined {
  const config = layer.getConfig() as unknown as Config;
  const [kernel, bias] = layer.trainableWeights.map((weight) => weight.read());
  if (!(kernel instanceof tf.Variable && bias instanceof tf.Variable)) return undefined;
  const fused = fuseParameters(layer.getClassName(), kernel, bias, config, listener);
  if (fused === undefined || config.activation === 'linear' || config.activation === 'relu') return fused;
  const activation = layers.layers.activation({ activation: config.activation });
  return (x) => activation.apply(fused(x)) as tf.Tensor;
}

function fuseParameters(
  className: string,
  kernel: tf.Variable,
  bias: tf.Variable,
  config: Config,
  listener: LayerGradientListener | undefined,
): LayerFunction | undefined {
  const relu = config.activation === 'relu';
  // A sequential model uses each layer once, so this operation's gradients are the layer's whole gradients.
  const attributes: FusedAttributes = {
    relu,
    onGradients: listener && ((dKernel, dBias) => listener(kernel, bias, dKernel, dBias)),
  };
  if (className === 'Dense') return fuseDense(kernel, bias, attributes);
  const isConvolution = className === 'Conv2D' && config.dataFormat === 'channelsLast';
  return isConvolution ? fuseConvolution(kernel, bias, config, attributes) : undefined;
}

type FusedAttributes = Omit<ConvolutionAttributes, 'info'>;

/** The part that is used of tfjs's configurations of Conv2D and Dense. */
interface Config {
  readonly activation: ActivationIdentifier;
  readonly dataFormat?: unknown;
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
  readonly dilationRate: [number, number];
}

function fuseConvolution(
  filter: tf.Tensor,
  bias: tf.Tensor,
  config: Config,
  attributes: FusedAttributes,
): LayerFunction {
  const { strides, padding, dilationRate } = config;
  const filterShape = filter.shape as [number, number, number, number];
  return (x) => {
    const shape = x.shape as [number, number, number, number];
    const info = tf.backend_util.computeConv2DInfo(shape, filterShape, strides, dilationRate, padding);
    return convolutionWithBias(x, filter, bias, { info, ...attributes });
  };
}

function fuseDense(kernel: tf.Tensor, bias: tf.Tensor, attributes: FusedAttributes): LayerFunction {
  const [inputs, units] = kernel.shape as [number, number];
  return (x) => {
    const rows = tf.reshape(x, [-1, inputs]);
    const info = denseInfo(rows.shape[0], inputs, units);
    const y = convolutionWithBias(rows, kernel, bias, { info, ...attributes });
    return tf.reshape(y, [...x.shape.slice(0, -1), units]);
  };
}
