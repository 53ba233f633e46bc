/** Which engines there are, and which one a run uses. */
import { badInput } from '../shared/core/errors.ts';
import { cpuProvider } from './cpu/cpu-provider.ts';
import { type EngineName, type EngineProvider, engineNames } from './engine.ts';
import { unusable } from './engine-checks.ts';
import { engineFolder } from './engine-folder.ts';
import { tensorflowWith } from './tensorflow/tensorflow-provider.ts';
import { wasmProvider } from './wasm/wasm-provider.ts';
import { adapterOf } from './webgpu/webgpu-adapters.ts';
import { webgpuProvider } from './webgpu/webgpu-provider.ts';

/**
 * One entry an engine. A provider imports its engine when one is made: tfjs takes long to load, and most commands never
 * need it.
 */
const providers: Readonly<Record<EngineName, (threads: number | undefined) => EngineProvider>> = {
  tensorflow: tensorflowWith,
  webgpu: (threads) =>
    onOneThread(webgpuProvider(engineFolder('webgpu', process.env), adapterOf(process.env, 0)), threads),
  wasm: (threads) => wasmProvider(process.env.PENNYGRAD_WASM_SIMD, threads),
  cpu: (threads) => onOneThread(cpuProvider, threads),
};

/** Fastest first. `PENNYGRAD_WASM_SIMD=simd` keeps the wasm engine from relaxed SIMD, whose rounding differs by CPU. */
export const engineProviders = enginesWith(undefined);

/** @param threads with which an engine computes; undefined lets it choose. One that cannot have them is not usable. */
export function enginesWith(threads: number | undefined): readonly EngineProvider[] {
  return engineNames.map((name) => providers[name](threads));
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
