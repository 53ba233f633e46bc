/** Softmax cross-entropy, the loss of a classifier, with its gradient. Computed in double precision. */

export interface CrossEntropy {
  /** Sum over the samples of −ln p(label), in nats. */
  readonly lossSum: number;
  /** How many samples have their label as the largest logit. Of equal logits, the first is the largest. */
  readonly correct: number;
}

/**
 * Softmax cross-entropy of `labels.length × classes` logits, summed over the samples.
 *
 * With p = softmax(logits), a sample's loss is −ln p(label) and its gradient is p − onehot(label). The largest logit is
 * subtracted first, so that no exponential overflows.
 * @param logitGradients if given, receives the gradient of the sum, shaped like `logits`
 * @throws RangeError if a label is not below `classes`
 */
export function crossEntropy(
  logits: Float32Array,
  labels: Uint8Array,
  classes: number,
  logitGradients?: Float32Array,
): CrossEntropy {
  let lossSum = 0;
  let correct = 0;
  const exponentials = new Float64Array(classes);
  for (let sample = 0; sample < labels.length; sample++) {
    const label = labels[sample] as number;
    if (label >= classes) throw new RangeError(`label ${label} is not one of ${classes} classes`);
    const row = logits.subarray(sample * classes, (sample + 1) * classes);
    const predicted = indexOfMaximum(row);
    const largest = row[predicted] as number;
    let total = 0;
    for (let c = 0; c < classes; c++) {
      const exponential = Math.exp((row[c] as number) - largest);
      exponentials[c] = exponential;
      total += exponential;
    }
    lossSum += toGrid(Math.log(total) + largest - (row[label] as number));
    if (predicted === label) correct++;
    if (logitGradients !== undefined) {
      const offset = sample * classes;
      for (let c = 0; c < classes; c++) {
        logitGradients[offset + c] = (exponentials[c] as number) / total - (c === label ? 1 : 0);
      }
    }
  }
  return { lossSum, correct };
}

/**
 * Losses are multiples of 2⁻³⁴ nats (6·10⁻¹¹). Double precision adds these without rounding up to a sum of 2¹⁹, so that a sum
 * over samples is the same in any order, and by any cut into shares.
 */
function toGrid(loss: number): number {
  return Math.round(loss * 2 ** 34) / 2 ** 34;
}

/** The softmax of each row of `logits`, in a new array of the same shape. */
export function softmaxRows(logits: Float32Array, classes: number): Float32Array {
  const probabilities = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const largest = row[indexOfMaximum(row)] as number;
    let total = 0;
    for (let c = 0; c < classes; c++) total += Math.exp((row[c] as number) - largest);
    for (let c = 0; c < classes; c++) probabilities[start + c] = Math.exp((row[c] as number) - largest) / total;
  }
  return probabilities;
}

function indexOfMaximum(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
