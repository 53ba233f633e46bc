import type { EngineOptions, EngineProvider } from '../engine.ts';
import { unusable } from '../engine-checks.ts';
import { threadedDevice } from '../threads/threaded-device.ts';
import { chooseFlavour } from './kernel-module.ts';

const engineThreadProgram = new URL('../threads/engine-thread.js', import.meta.url);

/**
 * @param simd `relaxed-simd` or `simd`; by default the fastest that this runtime has
 * @param threadProgram the compiled `engine-thread`, which every thread but the calling one runs
 */
export function wasmProvider(simd?: string, threads = 1, threadProgram = engineThreadProgram): EngineProvider {
  return {
    name: 'wasm',
    async probe() {
      const choice = chooseFlavour(simd);
      return choice.usable ? { usable: true, device: threadedDevice(choice.device, threads) } : choice;
    },
    async create(options) {
      const choice = chooseFlavour(simd);
      if (!choice.usable) throw unusable('wasm', choice);
      const { createWasmEngine } = await import('./wasm-engine.ts');
      if (threads === 1) return createWasmEngine(options, choice);
      const { createThreadedEngine } = await import('../threads/threaded-engine.ts');
      const createEngine = (shared: EngineOptions) => createWasmEngine(shared, choice);
      return createThreadedEngine(options, { threads, flavour: choice, program: threadProgram, createEngine });
    },
  };
}
