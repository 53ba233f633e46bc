/** tfjs's own optimizers, with their state as flat vectors. They work on every backend. */

import { adamConstants, type OptimizerSpec, optimizerSlots } from '../../shared/model/model-spec.ts';
import * as tf from '../../shared/model/tfjs-core.ts';
import type { OptimizerState } from '../../shared/model/training-state.ts';
import { totalSize, viewsOf } from '../flat-vector.ts';
import type { TfjsOptimizer } from './tfjs-backend.ts';

export function createTfjsOptimizer(spec: OptimizerSpec, variables: readonly tf.Variable[]): TfjsOptimizer {
  let optimizer = create(spec);

  function apply(gradientSum: Float32Array, samples: number): void {
    const views = viewsOf(gradientSum, variables);
    tf.tidy(() => {
      const means = variables.map(({ name, shape }, i) => {
        const sum = tf.tensor(views[i] as Float32Array, shape);
        return { name, tensor: tf.div(sum, samples) };
      });
      optimizer.applyGradients(means);
    });
  }

  async function getState(): Promise<OptimizerState> {
    const [iterations, ...weights] = (await optimizer.getWeights()).map(({ tensor }) => tensor);
    const steps = (await (iterations as tf.Tensor).data())[0] as number;
    tf.dispose(iterations as tf.Tensor);
    const slots = Array.from(
      { length: optimizerSlots[spec.name].length },
      () => new Float32Array(totalSize(variables)),
    );
    // tfjs creates the moments in the first step; until then they are zero.
    if (weights.length > 0) {
      const parts = slots.flatMap((slot) => viewsOf(slot, variables));
      for (const [i, part] of parts.entries()) part.set(await (weights[i] as tf.Tensor).data());
    }
    return { iterations: steps, slots };
  }

  async function setState({ iterations, slots }: OptimizerState): Promise<void> {
    optimizer.dispose();
    optimizer = create(spec);
    const parts = slots.flatMap((slot) => viewsOf(slot, variables));
    const weights = parts.map((part, i) => {
      const { name, shape } = variables[i % variables.length] as tf.Variable;
      return { name, tensor: tf.tensor(part, shape) };
    });
    const counter = { name: 'iter', tensor: tf.scalar(iterations, 'int32') };
    await optimizer.setWeights([counter, ...weights]);
    if (spec.name === 'adam') restoreRunningPowers(optimizer as unknown as RunningPowers, iterations);
    tf.dispose([counter.tensor, ...weights.map(({ tensor }) => tensor)]);
  }

  return { apply, getState, setState, dispose: () => optimizer.dispose() };
}

/** Private fields of tfjs's Adam: the powers of its betas for the next step. */
interface RunningPowers {
  readonly accBeta1: tf.Variable;
  readonly accBeta2: tf.Variable;
}

/**
 * tfjs multiplies the powers step by step, but restores them with `pow`, which rounds otherwise: a resumed run would leave
 * the path of one that was never interrupted.
 */
function restoreRunningPowers({ accBeta1, accBeta2 }: RunningPowers, iterations: number): void {
  tf.tidy(() => {
    accBeta1.assign(tf.scalar(multipliedPower(adamConstants.beta1, iterations + 1)));
    accBeta2.assign(tf.scalar(multipliedPower(adamConstants.beta2, iterations + 1)));
  });
}

/** Rounded to single precision after every multiplication. */
function multipliedPower(base: number, exponent: number): number {
  const single = Math.fround(base);
  let power = single;
  for (let factor = 1; factor < exponent && power > 0; factor++) power = Math.fround(power * single);
  return power;
}

function create({ name, learningRate }: OptimizerSpec): tf.Optimizer {
  switch (name) {
    case 'adam':
      return tf.train.adam(learningRate, adamConstants.beta1, adamConstants.beta2, adamConstants.epsilon);
    case 'sgd':
      return tf.train.sgd(learningRate);
    default:
      return name satisfies never;
  }
}
