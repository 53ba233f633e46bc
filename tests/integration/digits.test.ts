/** The drawn digits are worth training on: not learnt at once, but learnt. */
import { expect, test } from 'vitest';
import type { Split } from '../../src/shared/data/dataset.ts';
import { generateDigits } from '../../src/shared/data/digits.ts';

const [inputs, hidden, classes, learningRate] = [784, 32, 10, 0.02];

/** A perceptron with one hidden layer of rectifiers, softmax and plain gradient descent, a sample at a time. */
function createPerceptron() {
  let state = 1;
  const noise = (scale: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return scale * (state / 2 ** 32 - 0.5);
  };
  const first = Array.from({ length: inputs }, () => Float64Array.from({ length: hidden }, () => noise(0.1)));
  const second = Array.from({ length: hidden }, () => Float64Array.from({ length: classes }, () => noise(0.4)));

  function forward(pixels: Uint8Array) {
    const activations = new Float64Array(hidden);
    first.forEach((weights, p) => {
      const x = (pixels[p] ?? 0) / 255;
      if (x > 0) addScaled(activations, weights, x);
    });
    const rectified = activations.map((a) => Math.max(0, a));
    const scores = new Float64Array(classes);
    second.forEach((weights, j) => {
      addScaled(scores, weights, rectified[j] ?? 0);
    });
    const exponentials = scores.map((score) => Math.exp(score - Math.max(...scores)));
    const total = exponentials.reduce((a, b) => a + b);
    return { rectified, probabilities: exponentials.map((e) => e / total) };
  }

  function learn(pixels: Uint8Array, label: number) {
    const { rectified, probabilities } = forward(pixels);
    const errors = probabilities.map((p, k) => p - (k === label ? 1 : 0));
    const hiddenErrors = rectified.map((a, j) => (a > 0 ? dot(errors, second[j] ?? errors) : 0));
    second.forEach((weights, j) => {
      addScaled(weights, errors, -learningRate * (rectified[j] ?? 0));
    });
    first.forEach((weights, p) => {
      const x = (pixels[p] ?? 0) / 255;
      if (x > 0) addScaled(weights, hiddenErrors, -learningRate * x);
    });
  }

  return { learn, predict: (pixels: Uint8Array) => indexOfLargest(forward(pixels).probabilities) };
}

function addScaled(into: Float64Array, values: Float64Array, scale: number): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] ?? 0) + scale * (values[i] ?? 0);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

function indexOfLargest(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}

function imageOf(split: Split, index: number): Uint8Array {
  return split.images.subarray(index * inputs, (index + 1) * inputs);
}

test('a small network needs many samples, and then knows more than 95 of 100 unseen digits', () => {
  const { train, test: held } = generateDigits();
  const network = createPerceptron();
  const accuracy = () => {
    const hits = Array.from(held.labels).filter((label, i) => network.predict(imageOf(held, i)) === label);
    return hits.length / held.count;
  };
  const learn = (from: number, to: number) => {
    for (let i = from; i < to; i++) network.learn(imageOf(train, i), train.labels[i] ?? 0);
  };
  learn(0, 256);
  const early = accuracy();
  learn(256, train.count);
  for (let epoch = 1; epoch < 3; epoch++) learn(0, train.count);
  const late = accuracy();
  expect(early).toBeLessThan(0.8);
  expect(late).toBeGreaterThan(0.95);
});
