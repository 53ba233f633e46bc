/** The gradient of a batch with tfjs: forward through the layers, backward along tfjs's tape. */

import { crossEntropy } from '../../shared/model/cross-entropy.ts';
import * as tf from '../../shared/model/tfjs-core.ts';
import type { BatchResult, Engine, EngineOptions } from '../engine.ts';
import { labelsOf } from '../engine-checks.ts';
import { totalSize, viewsOf } from '../flat-vector.ts';
import type { GradientReport, TfjsBackend } from './tfjs-backend.ts';
import { gradientsAndLogits } from './tfjs-single-read.ts';

export interface TfjsGradients {
  /** See `Engine.computeGradients`; for at least one index. */
  readonly compute: Engine['computeGradients'];
  /** For `TfjsBackend.fuseLayer`: hands on a gradient that is final while the backward pass continues. */
  readonly report: GradientReport;
}

export interface TfjsReplica {
  readonly backend: TfjsBackend;
  readonly options: EngineOptions;
  readonly variables: readonly tf.Variable[];
  /** Makes the replica's backend the current one, then calls `use`. */
  readonly onBackend: <T>(use: () => T) => T;
  readonly logitsOf: (images: tf.Tensor4D) => tf.Tensor2D;
}

export function createTfjsGradients({ backend, options, variables, onBackend, logitsOf }: TfjsReplica): TfjsGradients {
  const { classes, inputShape } = options.model;
  const { train } = options.dataset;
  const parameterCount = totalSize(variables);
  const offsets = new Map(variables.map((variable, i) => [variable, totalSize(variables.slice(0, i))]));
  let delivery: Delivery | undefined;

  const computeWithTape: Engine['computeGradients'] = async (indices, gradients, onReady) => {
    const labels = labelsOf(train, indices);
    let result: BatchResult | undefined;
    const delivered = new Set<tf.Variable>();
    delivery = { gradients, delivered, onReady };
    const tensors = onBackend(() =>
      tf.tidy(() => {
        const images = backend.gather(train, inputShape, indices);
        const { grads } = tf.variableGrads(() => {
          const loss = recordLoss(logitsOf(images), labels, classes);
          result = loss.result;
          return loss.value;
        }, [...variables]);
        return variables.map(({ name }) => grads[name] as tf.Tensor);
      }),
    );
    delivery = undefined;
    const views = viewsOf(gradients, variables);
    for (const [i, variable] of variables.entries()) {
      if (!delivered.has(variable)) await backend.readInto([tensors[i] as tf.Tensor], views[i] as Float32Array);
    }
    tf.dispose(tensors);
    return result as BatchResult;
  };

  const computeInOneRead: Engine['computeGradients'] = async (indices, gradients) => {
    const labels = labelsOf(train, indices);
    const values = new Float32Array(parameterCount + labels.length * classes);
    await onBackend(async () => {
      const forward = () => logitsOf(backend.gather(train, inputShape, indices));
      const tensors = gradientsAndLogits(forward, variables, labels, classes);
      const read = backend.readInto(tensors, values);
      tf.dispose(tensors);
      await read;
    });
    gradients.set(values.subarray(0, parameterCount));
    return crossEntropy(values.subarray(parameterCount), labels, classes);
  };

  return {
    compute: backend.readsOncePerStep === true ? computeInOneRead : computeWithTape,
    report(variable, values) {
      const offset = offsets.get(variable);
      if (delivery === undefined || offset === undefined) return;
      delivery.gradients.set(values, offset);
      delivery.delivered.add(variable);
      delivery.onReady?.(offset, offset + values.length);
    },
  };
}

/** Where the gradients of the running pass go. */
interface Delivery {
  readonly gradients: Float32Array;
  readonly delivered: Set<tf.Variable>;
  readonly onReady: ((from: number, to: number) => void) | undefined;
}

/**
 * Records the loss as one operation on the tape, computed here in double precision. A batch has so few logits that
 * reading them back costs less than running five more kernels.
 */
function recordLoss(logits: tf.Tensor2D, labels: Uint8Array, classes: number) {
  let result: BatchResult | undefined;
  const value = tf.customGrad((x) => {
    const gradients = new Float32Array((x as tf.Tensor).size);
    result = crossEntropy((x as tf.Tensor).dataSync<'float32'>(), labels, classes, gradients);
    const shape = logits.shape;
    return {
      value: tf.scalar(result.lossSum),
      gradFunc: (dy: tf.Tensor) => tf.mul(dy, tf.tensor2d(gradients, shape)),
    };
  })(logits);
  return { value: value as tf.Scalar, result: result as BatchResult };
}
