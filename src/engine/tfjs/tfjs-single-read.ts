/** The gradient of a batch for devices that should not be waited for in the middle of a step. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * Forward and backward without a read: the loss's gradient, softmax − onehot, is computed where the logits are.
 * @param forward the logits, `labels.length × classes`
 * @returns the gradients of the summed cross-entropy for each variable, then the logits, from which the caller finds the
 *   loss in double precision: the tensors to read in one go, and to dispose of
 */
export function gradientsAndLogits(
  forward: () => tf.Tensor2D,
  variables: readonly tf.Variable[],
  labels: Uint8Array,
  classes: number,
): tf.Tensor[] {
  return tf.tidy(() => {
    const targets = tf.oneHot(tf.tensor1d(Int32Array.from(labels), 'int32'), classes, 1, 0, 'float32');
    let logits: tf.Tensor2D | undefined;
    const { grads } = tf.variableGrads(() => {
      logits = tf.keep(forward());
      return standIn(logits, targets);
    }, [...variables]);
    const kept = logits as unknown as tf.Tensor2D;
    const result = tf.clone(kept);
    kept.dispose();
    return [...variables.map(({ name }) => grads[name] as tf.Tensor), result];
  });
}

/** A scalar with the gradient of the summed cross-entropy, and without its value, which nobody on the device needs. */
function standIn(logits: tf.Tensor2D, targets: tf.Tensor): tf.Scalar {
  return tf.customGrad((x) => ({
    value: tf.scalar(0),
    gradFunc: (dy: tf.Tensor) => tf.mul(dy, tf.sub(tf.softmax(x as tf.Tensor2D), targets)),
  }))(logits) as tf.Scalar;
}
