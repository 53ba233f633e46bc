/** What engines need to know about a network of tfjs layers. */
import * as tf from '../shared/model/tfjs-core.ts';
import type { ModelArtifacts } from '../shared/model/training-state.ts';
import type { Layer, Model } from '../shared/model/zoo.ts';

export function trainableVariables(network: Model['network']): readonly tf.Variable[] {
  return network.trainableWeights.map((weight) => {
    const variable = weight.read();
    if (!(variable instanceof tf.Variable)) throw new Error(`${weight.name} is not a variable`);
    return variable;
  });
}

export function layerFunction(layer: Layer): (x: tf.Tensor) => tf.Tensor {
  return (x) => layer.apply(x, { training: true }) as tf.Tensor;
}

export function artifactsOf(network: Model['network'], variables: readonly tf.Variable[]): ModelArtifacts {
  return {
    topology: network.toJSON(null, false) as Record<string, unknown>,
    weightSpecs: network.trainableWeights.map(({ originalName }, i) => ({
      name: originalName,
      shape: (variables[i] as tf.Variable).shape,
      dtype: 'float32',
    })),
  };
}
