import type { EngineProvider } from '../engine.ts';
import { unusable } from '../engine-checks.ts';
import { threadVariables } from './tensorflow-environment.ts';
import { probeTensorflow } from './tensorflow-probe.ts';

/** TensorFlow, which chooses its number of threads itself. */
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
      // TensorFlow reads these when it is loaded, which happens in `create`.
      Object.assign(process.env, threadVariables(threads));
      const engine = await tensorflowProvider.create(options);
      // TensorFlow's own choice may be any number, so the device also names a choice of one.
      return { ...engine, device: `${engine.device}, ${threads} ${threads === 1 ? 'thread' : 'threads'}` };
    },
  };
}
