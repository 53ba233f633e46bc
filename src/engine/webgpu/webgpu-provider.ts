import type { EngineProvider } from '../engine.ts';

/**
 * @param folder where `pennygrad setup webgpu` has installed the engine
 * @param adapterIndex which GPU, see `chooseAdapter`
 */
export function webgpuProvider(folder: string, adapterIndex?: string): EngineProvider {
  return {
    name: 'webgpu',
    async probe() {
      const { probeWebgpu } = await import('./webgpu-probe.ts');
      return probeWebgpu(folder, adapterIndex);
    },
    async create(options) {
      const { createWebgpuEngine } = await import('./webgpu-engine.ts');
      return createWebgpuEngine(options, folder, adapterIndex);
    },
  };
}
