import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, expect, it } from 'vitest';
import { createTfjsOptimizer } from '../../../src/engine/tfjs/tfjs-optimizer.ts';
import { createRandom } from '../../../src/shared/core/random.ts';

beforeAll(() => tf.setBackend('cpu'));

const length = 50;
const random = createRandom(5);
/** As small as gradients of a loss are, so that Adam's moments and powers all matter. */
const gradients = Array.from({ length: 60 }, () => Float32Array.from({ length }, () => (random.float() - 0.5) * 8));

async function trained(name: 'adam' | 'sgd', restoredAt: number | undefined): Promise<number[]> {
  const variable = tf.variable(tf.zeros([length]));
  const optimizer = createTfjsOptimizer({ name, learningRate: 0.01 }, [variable]);
  for (const [step, gradient] of gradients.entries()) {
    if (step === restoredAt) await optimizer.setState(await optimizer.getState());
    optimizer.apply(gradient, 8);
  }
  const values = Array.from(await variable.data());
  optimizer.dispose();
  variable.dispose();
  return values;
}

it.each([
  ['adam', 1],
  ['adam', 2],
  ['adam', 31],
  ['sgd', 2],
] as const)('%s whose state is restored before step %i goes on bit for bit', async (name, step) => {
  expect(await trained(name, step)).toEqual(await trained(name, undefined));
});
