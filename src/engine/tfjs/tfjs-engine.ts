/** The engine over tfjs, for any backend. */

import type { Split } from '../../shared/data/dataset.ts';
import { initialParameters } from '../../shared/model/initialize.ts';
import * as tf from '../../shared/model/tfjs-core.ts';
import { buildModel } from '../../shared/model/zoo.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { checkFit } from '../engine-checks.ts';
import { totalSize, viewsOf } from '../flat-vector.ts';
import { artifactsOf, layerFunction, trainableVariables } from '../model-network.ts';
import { engineOf, type LogitsConsumer, type Replica } from '../replica.ts';
import type { TfjsBackend } from './tfjs-backend.ts';
import { createTfjsGradients } from './tfjs-gradients.ts';

/** Images per chunk in `evaluate` and `predict`: limits the memory that activations take. */
const evaluationBatchSize = 256;

/**
 * The backend must have been initialised.
 * @throws PennygradError if the model does not fit the dataset
 */
export function createTfjsEngine(backend: TfjsBackend, options: EngineOptions): Engine {
  const { model: spec } = options;
  const { inputShape, classes } = spec;
  checkFit(options);

  backend.activate();
  const { network, logitLayers } = buildModel(spec);
  const variables = trainableVariables(network);
  const parameterCount = totalSize(variables);
  const gradientsOfBatch = createTfjsGradients({ backend, options, variables, onBackend, logitsOf });
  const forwardLayers = logitLayers.map(
    (layer) => backend.fuseLayer(layer, gradientsOfBatch.report) ?? layerFunction(layer),
  );
  const optimizer = backend.createOptimizer(options.optimizer, variables);
  const shapes = variables.map(({ shape }) => shape);
  assign(initialParameters(shapes, options.seed));

  /** Every use of tfjs goes through here: the current backend is global, and another engine may have changed it. */
  function onBackend<T>(use: () => T): T {
    backend.activate();
    return use();
  }

  function assign(parameters: Float32Array): void {
    const views = viewsOf(parameters, variables);
    tf.tidy(() => {
      for (const [i, variable] of variables.entries()) {
        // Copied, because the cpu backend keeps the array that it is given.
        variable.assign(tf.tensor((views[i] as Float32Array).slice(), variable.shape));
      }
    });
  }

  function logitsOf(images: tf.Tensor4D): tf.Tensor2D {
    return forwardLayers.reduce<tf.Tensor>((x, forward) => forward(x), images) as tf.Tensor2D;
  }

  async function forward(split: Split, from: number, to: number, use: LogitsConsumer): Promise<void> {
    for (let start = from; start < to; start += evaluationBatchSize) {
      const count = Math.min(evaluationBatchSize, to - start);
      const indices = Uint32Array.from({ length: count }, (_, i) => start + i);
      const logits = onBackend(() => tf.tidy(() => logitsOf(backend.gather(split, inputShape, indices))));
      const values = new Float32Array(count * classes);
      await backend.readInto([logits], values);
      logits.dispose();
      use(values, start, start + count);
    }
  }

  const replica: Replica = {
    name: backend.engineName,
    device: backend.device,
    threads: backend.engineName === 'webgpu' ? undefined : 1,
    parameterCount,
    forward,
    artifacts: () => artifactsOf(network, variables),
    async getParameters() {
      const parameters = new Float32Array(parameterCount);
      await onBackend(() => backend.readInto(variables, parameters));
      return parameters;
    },
    setParameters: (parameters) => onBackend(() => assign(parameters)),
    getOptimizerState: () => onBackend(() => optimizer.getState()),
    setOptimizerState: (state) => onBackend(() => optimizer.setState(state)),
    computeGradients: gradientsOfBatch.compute,
    applyGradients: (gradientSum, samples) => onBackend(() => optimizer.apply(gradientSum, samples)),
    dispose() {
      optimizer.dispose();
      network.dispose();
      backend.dispose?.();
    },
  };
  return engineOf(replica, options);
}
