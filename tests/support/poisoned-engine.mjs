// Preloaded into the processes of a run (`--import`): the cpu engine computes NaN for the training image POISONED_IMAGE, as a
// faulty kernel would.
import { cpuProvider } from '../../dist/engine/cpu/cpu-provider.js';

const poisoned = Number(process.env.POISONED_IMAGE);
const create = cpuProvider.create.bind(cpuProvider);

cpuProvider.create = async (options) => {
  const engine = await create(options);
  const compute = engine.computeGradients.bind(engine);
  engine.computeGradients = async (indices, gradients, onFinal) => {
    if (!indices.includes(poisoned)) return compute(indices, gradients, onFinal);
    // What is final may be on its way already.
    const { correct } = await compute(indices, gradients);
    gradients[0] = Number.NaN;
    onFinal?.(0, gradients.length);
    return { lossSum: Number.NaN, correct };
  };
  return engine;
};
