/** Which engines there are, and which one a run uses. */
import { badInput } from '../shared/core/errors.ts';
import { deterministicEngines } from '../shared/model/deterministic-engines.ts';
import { cpuProvider } from './cpu/cpu-provider.ts';
import { type EngineName, type EngineProvider, engineNames } from './engine.ts';
import { unusable } from './engine-checks.ts';
import { engineFolder } from './engine-folder.ts';
import { tensorflowWith } from './tensorflow/tensorflow-provider.ts';
import { wasmProvider } from './wasm/wasm-provider.ts';
import { adapterOf } from './webgpu/webgpu-adapters.ts';
import { webgpuProvider } from './webgpu/webgpu-provider.ts';

/**
 * The registry: one entry per engine. A provider imports its engine only when it creates one, because tfjs is slow to
 * load and most commands never need it.
 */
const providers: Readonly<Record<EngineName, (threads: number | undefined) => EngineProvider>> = {
  tensorflow: tensorflowWith,
  webgpu: (threads) =>
    onOneThread(webgpuProvider(engineFolder('webgpu', process.env), adapterOf(process.env, 0)), threads),
  // PENNYGRAD_WASM_SIMD=simd avoids relaxed SIMD, whose rounding differs between CPUs.
  wasm: (threads) => wasmProvider(process.env.PENNYGRAD_WASM_SIMD, threads),
  cpu: (threads) => onOneThread(cpuProvider, threads),
};

/** In the order of `engineNames`, each with as many threads as it chooses. */
export const engineProviders = enginesWith(undefined);

/**
 * The engines in the order of `engineNames`.
 * @param threads how many each engine computes on; undefined lets it choose. An engine that cannot is not usable.
 */
export function enginesWith(threads: number | undefined): readonly EngineProvider[] {
  return engineNames.map((name) => providers[name](threads));
}

/**
 * The engines for a run that must come to the same bits with any workers: those that cannot promise it are not usable.
 * @param threads as for `enginesWith`
 */
export function deterministicEnginesWith(threads = 1): readonly EngineProvider[] {
  return enginesWith(threads).map((provider) => {
    const reason = deterministicEngines.includes(provider.name)
      ? threads === 1
        ? undefined
        : `--deterministic needs it to compute on one thread, got ${threads}`
      : 'it does not promise the same bits every time, which --deterministic needs';
    if (reason === undefined) return provider;
    const remedy = `use --backend ${deterministicEngines.join(' or ')}, with one thread for each worker`;
    return { ...provider, probe: async () => ({ usable: false, reason, remedy }) };
  });
}

function onOneThread(provider: EngineProvider, threads = 1): EngineProvider {
  if (threads === 1) return provider;
  const reason = `it cannot compute on ${threads} threads`;
  const remedy = 'leave out --threads, or use --backend wasm or tensorflow';
  return { ...provider, probe: async () => ({ usable: false, reason, remedy }) };
}

export interface EngineSelection {
  readonly provider: EngineProvider;
  /** Which engine was chosen and why, for display: `wasm: the fastest engine that works here (wasm, relaxed SIMD)`. */
  readonly reason: string;
}

/**
 * Finds the provider of the requested engine. `auto` takes the first one that works and does not ask to be skipped.
 * @param providers in order of preference
 * @throws PennygradError if the requested engine cannot be used, or with `auto` if none can; it says why
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
