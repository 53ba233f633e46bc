/** Which engines there are, and which one a run uses. */
import { badInput } from '../shared/core/errors.ts';
import {
  type EngineAvailability,
  type EngineName,
  type EngineOptions,
  type EngineProvider,
  engineNames,
} from './engine.ts';
import { engineFolder } from './engine-folder.ts';
import { threadVariables } from './tensorflow/tensorflow-environment.ts';
import { probeTensorflow } from './tensorflow/tensorflow-probe.ts';
import { threadedDevice } from './threads/threaded-device.ts';
import { chooseFlavour } from './wasm/kernel-module.ts';
import { adapterOf } from './webgpu/webgpu-adapters.ts';

// The engines themselves are imported when one is made: tfjs takes long to load, and most commands never need it.

const cpuDevice = 'cpu (plain JavaScript)';

export const cpuProvider: EngineProvider = {
  name: 'cpu',
  probe: async () => ({ usable: true, device: cpuDevice }),
  async create(options) {
    const { createCpuEngine } = await import('./cpu/cpu-engine.ts');
    return createCpuEngine(options, cpuDevice);
  },
};

const engineThreadProgram = new URL('./threads/engine-thread.js', import.meta.url);

/**
 * @param simd `relaxed-simd` or `simd`; by default the best that this runtime has
 * @param threadProgram the compiled `engine-thread`, which all threads but the first run
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
      const { createWasmEngine } = await import('./wasm/wasm-engine.ts');
      if (threads === 1) return createWasmEngine(options, choice);
      const { createThreadedEngine } = await import('./threads/threaded-engine.ts');
      const createEngine = (shared: EngineOptions) => createWasmEngine(shared, choice);
      return createThreadedEngine(options, { threads, flavour: choice, program: threadProgram, createEngine });
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
    const { createTensorflowEngine } = await import('./tensorflow/tensorflow-engine.ts');
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
      const { probeWebgpu } = await import('./webgpu/webgpu-probe.ts');
      return probeWebgpu(folder, adapterIndex);
    },
    async create(options) {
      const { createWebgpuEngine } = await import('./webgpu/webgpu-engine.ts');
      return createWebgpuEngine(options, folder, adapterIndex);
    },
  };
}

/** Fastest first. `PENNYGRAD_WASM_SIMD=simd` keeps the wasm engine from relaxed SIMD, whose rounding differs by CPU. */
export const engineProviders = enginesWith(undefined);

/** @param threads with which an engine computes; undefined lets it choose. One that cannot have them is not usable. */
export function enginesWith(threads: number | undefined): readonly EngineProvider[] {
  return [
    tensorflowWith(threads),
    onOneThread(webgpuProvider(engineFolder('webgpu', process.env), adapterOf(process.env, 0)), threads),
    wasmProvider(process.env.PENNYGRAD_WASM_SIMD, threads),
    onOneThread(cpuProvider, threads),
  ];
}

function tensorflowWith(threads: number | undefined): EngineProvider {
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

function onOneThread(provider: EngineProvider, threads = 1): EngineProvider {
  if (threads === 1) return provider;
  const reason = `it has no use for ${threads} threads`;
  const remedy = 'leave --threads out, or take --backend wasm or tensorflow';
  return { ...provider, probe: async () => ({ usable: false, reason, remedy }) };
}

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
