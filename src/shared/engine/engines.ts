/** Which engines there are, and which one a run uses. */
import { badInput } from '../core/errors.ts';
import { type EngineAvailability, type EngineName, type EngineProvider, engineNames } from './engine.ts';
import { engineFolder } from './engine-folder.ts';
import { chooseFlavour } from './kernel-module.ts';
import { probeTensorflow } from './tensorflow-probe.ts';
import { adapterOf } from './webgpu-adapters.ts';

// The engines themselves are imported when one is made: tfjs takes long to load, and most commands never need it.

const cpuDevice = 'cpu (plain JavaScript)';

export const cpuProvider: EngineProvider = {
  name: 'cpu',
  probe: async () => ({ usable: true, device: cpuDevice }),
  async create(options) {
    const { createCpuEngine } = await import('./cpu-engine.ts');
    return createCpuEngine(options, cpuDevice);
  },
};

/** @param simd `relaxed-simd` or `simd`; by default the best that this runtime has */
export function wasmProvider(simd?: string): EngineProvider {
  return {
    name: 'wasm',
    async probe() {
      const choice = chooseFlavour(simd);
      return choice.usable ? { usable: true, device: choice.device } : choice;
    },
    async create(options) {
      const choice = chooseFlavour(simd);
      if (!choice.usable) throw unusable('wasm', choice);
      const { createWasmEngine } = await import('./wasm-engine.ts');
      return createWasmEngine(options, choice);
    },
  };
}

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

/**
 * @param folder where `pennygrad setup webgpu` installs
 * @param adapterIndex which GPU, from 0, as text; by default the best
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

/** Fastest first. `PENNYGRAD_WASM_SIMD=simd` keeps the wasm engine from relaxed SIMD, whose rounding differs by CPU. */
export const engineProviders: readonly EngineProvider[] = [
  tensorflowProvider,
  webgpuProvider(engineFolder('webgpu', process.env), adapterOf(process.env, 0)),
  wasmProvider(process.env.PENNYGRAD_WASM_SIMD),
  cpuProvider,
];

export interface EngineSelection {
  readonly provider: EngineProvider;
  /** Which one and why, in words: `wasm: the fastest engine that works here (wasm, relaxed SIMD)`. */
  readonly reason: string;
}

/**
 * `auto` takes the first provider that works; a name takes that one.
 * @param providers fastest first
 * @throws PennygradError if the named one, or every one, is not usable, with the reason and what to do
 */
export async function selectEngine(
  requested: 'auto' | EngineName,
  providers: readonly EngineProvider[] = engineProviders,
): Promise<EngineSelection> {
  const passedOver: string[] = [];
  for (const provider of providers) {
    if (requested !== 'auto' && provider.name !== requested) continue;
    const availability = await provider.probe();
    if (availability.usable && requested === 'auto' && availability.notAutomatic !== undefined) {
      passedOver.push(`${provider.name} only by name: ${availability.notAutomatic}`);
      continue;
    }
    if (availability.usable) {
      const why = requested === 'auto' ? 'the fastest engine that works here' : 'as asked for';
      return { provider, reason: [`${provider.name}: ${why} (${availability.device})`, ...passedOver].join('; ') };
    }
    if (requested !== 'auto') throw unusable(provider.name, availability);
    if (!availability.notInstalled) passedOver.push(`${provider.name} is not usable: ${availability.reason}`);
  }
  if (requested === 'auto') throw badInput(`no engine works here: ${passedOver.join('; ')}`);
  throw badInput(`unknown engine ${requested}: use auto or one of ${engineNames.join(', ')}`);
}

function unusable(name: EngineName, { reason, remedy }: Extract<EngineAvailability, { usable: false }>) {
  return badInput(`engine ${name} is not usable: ${reason}; ${remedy}`);
}
