import type { EngineProvider } from '../engine.ts';

const device = 'cpu (plain JavaScript)';

export const cpuProvider: EngineProvider = {
  name: 'cpu',
  probe: async () => ({ usable: true, device }),
  async create(options) {
    const { createCpuEngine } = await import('./cpu-engine.ts');
    return createCpuEngine(options, device);
  },
};
