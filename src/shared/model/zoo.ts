/** The models that pennygrad can train, as tfjs layers. */

import type { ModelName, ModelSpec } from './model-spec.ts';
import * as layers from './tfjs-layers.ts';

export interface Model {
  /** The whole model, from images to class probabilities. Checkpoints save it. */
  readonly network: layers.Sequential;
  /** The layers up to the logits. Training stops there, because softmax and cross-entropy are only stable together. */
  readonly logitLayers: readonly Layer[];
}

export type Layer = layers.Sequential['layers'][number];

/** What initialize.ts does. tfjs only writes it to `model.json`: its own default for kernels is another distribution. */
const kernelInitializer = 'glorotUniform';

/** Builds a model on the current tfjs backend. Its weights are placeholders; initialize.ts draws the initial ones. */
export function buildModel(spec: ModelSpec): Model {
  const network = layers.sequential({ name: spec.name });
  for (const layer of hiddenLayers[spec.name]([...spec.inputShape])) network.add(layer);
  network.add(layers.layers.dense({ name: 'logits', units: spec.classes, kernelInitializer }));
  network.add(layers.layers.softmax({ name: 'probabilities' }));
  return { network, logitLayers: network.layers.slice(0, -1) };
}

const hiddenLayers: Readonly<Record<ModelName, (inputShape: number[]) => Layer[]>> = {
  cnn: (inputShape) => [
    layers.layers.conv2d({
      name: 'conv1',
      filters: 32,
      kernelSize: 3,
      activation: 'relu',
      kernelInitializer,
      inputShape,
    }),
    layers.layers.maxPooling2d({ name: 'pool1', poolSize: 2 }),
    layers.layers.conv2d({ name: 'conv2', filters: 64, kernelSize: 3, activation: 'relu', kernelInitializer }),
    layers.layers.maxPooling2d({ name: 'pool2', poolSize: 2 }),
    layers.layers.conv2d({ name: 'conv3', filters: 64, kernelSize: 3, activation: 'relu', kernelInitializer }),
    layers.layers.flatten({ name: 'flatten' }),
    layers.layers.dense({ name: 'hidden', units: 64, activation: 'relu', kernelInitializer }),
  ],
  mlp: (inputShape) => [
    layers.layers.flatten({ name: 'flatten', inputShape }),
    layers.layers.dense({ name: 'hidden', units: 128, activation: 'relu', kernelInitializer }),
  ],
  softmax: (inputShape) => [layers.layers.flatten({ name: 'flatten', inputShape })],
};
