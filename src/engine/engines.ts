/** Which engines there are, and which one a run uses. */
import { badInput } from '../shared/core/errors.ts';
import { deterministicEngines } from '../shared/model/deterministic-engines.ts';
import { cpuProvider } from './cpu/cpu-provider.ts';
import { type EngineName, type EngineProvider, engineNames, referenceEngine } from './engine.ts';
import { unusable } from './engine-checks.ts';
import { engineFolder } from './engine-folder.ts';
import { tensorflowWith } from './tensorflow/tensorflow-provider.ts';
import { type Contender, decideEngine, type Trial } from './trials/decide-engine.ts';
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

/** Finds out how fast engines are; called only where there are several to choose from. */
export type TryContenders = (contenders: readonly Contender[]) => Promise<Trial>;

/** For what is over sooner than a trial. */
const withoutTrial: TryContenders = async () => ({ untried: 'only a training run tries them' });

/**
 * Finds the provider of the requested engine. `auto` decides among those that work and do not ask to be skipped.
 * @param providers in order of preference
 * @param tryContenders for `auto`; unless given, the preferred engine is taken
 * @throws PennygradError if the requested engine cannot be used, or with `auto` if none can; it says why
 */
export async function selectEngine(
  requested: 'auto' | EngineName,
  providers: readonly EngineProvider[] = engineProviders,
  tryContenders: TryContenders = withoutTrial,
): Promise<EngineSelection> {
  if (requested === 'auto') return selectAutomatically(providers, tryContenders);
  const provider = providers.find(({ name }) => name === requested);
  if (provider === undefined) {
    throw badInput(`unknown engine ${requested}: use auto or one of ${engineNames.join(', ')}`);
  }
  const availability = await provider.probe();
  if (!availability.usable) throw unusable(requested, availability);
  return { provider, reason: `${requested}: as asked for (${availability.device})` };
}

async function selectAutomatically(
  providers: readonly EngineProvider[],
  tryContenders: TryContenders,
): Promise<EngineSelection> {
  const { contenders, passedOver } = await findContenders(providers);
  if (contenders.length === 0) throw badInput(`no engine works here: ${passedOver.join('; ')}`);
  const trial = contenders.length === 1 ? { results: [] } : await tryContenders(contenders);
  const { engine, reason } = decideEngine(contenders, trial);
  const provider = providers.find(({ name }) => name === engine) as EngineProvider;
  return { provider, reason: [reason, ...passedOver].join('; ') };
}

/** The engines that `auto` decides between, in order of preference, and what it has to say of the others. */
async function findContenders(
  providers: readonly EngineProvider[],
): Promise<{ readonly contenders: readonly Contender[]; readonly passedOver: readonly string[] }> {
  const contenders: Contender[] = [];
  const passedOver: string[] = [];
  for (const { name, probe } of providers) {
    if (name === referenceEngine && contenders.length > 0) continue;
    const availability = await probe();
    if (!availability.usable) {
      if (!availability.notInstalled) passedOver.push(`${name} is not usable: ${availability.reason}`);
    } else if (availability.notAutomatic !== undefined) {
      passedOver.push(`${name} only by name: ${availability.notAutomatic}`);
    } else {
      const { device, hardware, onlyIfFaster } = availability;
      contenders.push({ engine: name, device, hardware, onlyIfFaster });
    }
  }
  return { contenders, passedOver };
}
