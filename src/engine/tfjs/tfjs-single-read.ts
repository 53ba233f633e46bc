/** The gradient of a batch without reading anything back in the middle of a step. */
import * as tf from '../../shared/model/tfjs-core.ts';

/**
 * Runs forward and backward. The gradient of the loss, softmax − onehot, is computed on the device.
 * @param forward computes the logits, `labels.length × classes`
 * @returns the gradient of the summed cross-entropy for each variable, then the logits, from which the caller computes
 *   the loss in double precision; the caller reads all tensors at once and disposes of them
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

/** A scalar that has the gradient of the summed cross-entropy, but not its value, which the device does not need. */
function standIn(logits: tf.Tensor2D, targets: tf.Tensor): tf.Scalar {
  return tf.customGrad((x) => ({
    value: tf.scalar(0),
    gradFunc: (dy: tf.Tensor) => tf.mul(dy, tf.sub(tf.softmax(x as tf.Tensor2D), targets)),
  }))(logits) as tf.Scalar;
}
