/** The optimizer's part of the step graph. */
import { adamConstants, type OptimizerName } from '../../shared/model/model-spec.ts';
import { feeds, fetches } from './tensorflow-endpoints.ts';
import { type Graph, onFloats } from './tensorflow-graph.ts';

/**
 * The values for `feeds.scalars`: samples, learning rate, β₁ᵗ, β₂ᵗ and ε·√(1 − β₂ᵗ). TensorFlow adds ε to the root of
 * the uncorrected second moment; the factor makes that equal to Kingma and Ba's form (see `adamConstants`).
 * @param iteration counts from 1
 */
export function optimizerScalars(samples: number, learningRate: number, iteration: number): Float32Array {
  const { beta1, beta2, epsilon } = adamConstants;
  const power2 = beta2 ** iteration;
  return Float32Array.of(samples, learningRate, beta1 ** iteration, power2, epsilon * Math.sqrt(1 - power2));
}

interface UpdateInputs {
  readonly graph: Graph;
  readonly parameters: string;
  readonly slots: readonly string[];
  /** The gradient of the mean loss. */
  readonly mean: string;
  /** An element of `optimizerScalars`. */
  readonly scalar: (index: number) => string;
}

/** Each adds the operation that updates parameters and slots, and returns its name. */
const updates: Readonly<Record<OptimizerName, (inputs: UpdateInputs) => string>> = {
  sgd: ({ graph, parameters, mean, scalar }) =>
    graph.add('ResourceApplyGradientDescent', [parameters, scalar(1), mean], onFloats),
  adam({ graph, parameters, slots, mean, scalar }) {
    const [first = '', second = ''] = slots;
    const betas = [graph.float(adamConstants.beta1), graph.float(adamConstants.beta2)];
    return graph.add(
      'ResourceApplyAdam',
      [parameters, first, second, scalar(2), scalar(3), scalar(1), ...betas, scalar(4), mean],
      onFloats,
    );
  },
};

/** Adds the optimizer update. `parameters` and `slots` are handles of variables. */
export function addOptimizer(
  graph: Graph,
  optimizer: OptimizerName,
  parameters: string,
  slots: readonly string[],
  parameterCount: number,
): void {
  const sum = graph.placeholder(feeds.gradientSum, 'float32', [parameterCount]);
  const scalars = graph.placeholder(feeds.scalars, 'float32', [5]);
  const unpacked = graph.add('Unpack', [scalars], { ...onFloats, num: { int: 5 }, axis: { int: 0 } });
  const scalar = (index: number) => `${unpacked}:${index}`;
  const mean = graph.add('RealDiv', [sum, scalar(0)], onFloats);
  const update = updates[optimizer]({ graph, parameters, slots, mean, scalar });
  graph.add('Identity', [graph.float(0), `^${update}`], onFloats, fetches.applied);
}
