import type { EngineProvider } from '../engine.ts';
import { unusable } from '../engine-checks.ts';
import { threadVariables } from './tensorflow-environment.ts';
import { probeTensorflow } from './tensorflow-probe.ts';

/** TensorFlow with as many threads as it likes. */
export const tensorflowProvider: EngineProvider = {
  name: 'tensorflow',
  async probe() {
    const { manifest: _, ...availability } = await probeTensorflow();
    return availability;
  },
  async create(options) {
    const choice = await probeTensorflow();
    if (!choice.usable) throw unusable('tensorflow', choice);
    const { createTensorflowEngine } = await import('./tensorflow-engine.ts');
    return createTensorflowEngine(options, choice.manifest, choice.device);
  },
};

export function tensorflowWith(threads: number | undefined): EngineProvider {
  if (threads === undefined) return tensorflowProvider;
  return {
    ...tensorflowProvider,
    async create(options) {
      // TensorFlow looks when it is loaded, which is later.
      Object.assign(process.env, threadVariables(threads));
      const engine = await tensorflowProvider.create(options);
      // Without a number it takes as many as it likes, so one is worth saying too.
      return { ...engine, device: `${engine.device}, ${threads} ${threads === 1 ? 'thread' : 'threads'}` };
    },
  };
}
