/** Lists the WebGPU adapters of this host and chooses one. */
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { describeGiven } from '../../shared/core/given-value.ts';
import type { AdapterInfo, Dawn, Gpu } from './webgpu-packages.ts';

/** An adapter as Dawn lists it: a GPU, or software that emulates one, behind one graphics API. */
export interface ListedAdapter {
  /** `vulkan`, `metal`, `d3d12`, … */
  readonly backend: string;
  readonly name: string;
}

/** An adapter that Dawn has granted. */
export interface Adapter extends ListedAdapter {
  readonly index: number;
  /** It emulates a GPU on the CPU: correct, but slow. */
  readonly software: boolean;
  readonly gpu: Gpu;
}

/** The environment variable that chooses among several GPUs. */
export const adapterVariable = 'PENNYGRAD_WEBGPU_ADAPTER';

/**
 * The adapter that the environment assigns to a local worker. The variable may list several numbers, which the workers
 * that one command starts use in turn.
 * @param localRank the worker's position among them, from 0
 * @returns the adapter's number as text, for `chooseAdapter`; undefined if the variable is not set
 */
export function adapterOf(
  environment: Readonly<Record<string, string | undefined>>,
  localRank: number,
): string | undefined {
  const choices = environment[adapterVariable]?.split(',') ?? [];
  return choices[localRank % choices.length]?.trim() || undefined;
}

/**
 * All adapters, in Dawn's order of preference. Dawn lists them only in the error for an adapter that does not exist; if
 * there are no adapters at all, it returns null instead.
 */
export async function listAdapters(dawn: Dawn): Promise<readonly ListedAdapter[]> {
  try {
    await dawn.create(['adapter=(none has this name)']).requestAdapter();
    return [];
  } catch (error) {
    return parseListing(messageOf(error));
  }
}

/** Parses the adapters in Dawn's error message, one per line: ` * backend: 'vulkan', name: 'NVIDIA A10'`. */
export function parseListing(message: string): readonly ListedAdapter[] {
  return [...message.matchAll(/^ \* backend: '([^']*)', name: '(.*)'$/gm)].map(([, backend = '', name = '']) => ({
    backend,
    name,
  }));
}

/**
 * Chooses the adapter at `index`, or else the first whose name is not that of software, or else the first.
 * @param listed at least one adapter
 * @param index position in the list, from 0, as text from the user
 * @throws PennygradError if there is no adapter at `index`, or if Dawn, which finds adapters by name only, would open
 *   another one
 */
export function chooseAdapter(listed: readonly ListedAdapter[], index?: string): ListedAdapter & { index: number } {
  const choices = `adapters here: ${listed.map(({ name }, i) => `${i} (${name})`).join(', ')}`;
  const wanted =
    index === undefined
      ? Math.max(
          0,
          listed.findIndex(({ name }) => !isSoftware(name)),
        )
      : Number(index);
  const chosen = listed[wanted];
  if (chosen === undefined) {
    throw badInput(`${adapterVariable} must be the number of an adapter, got ${describeGiven(index)}; ${choices}`);
  }
  const taken = listed.findIndex(({ backend, name }) => backend === chosen.backend && name.includes(chosen.name));
  if (taken !== wanted) {
    throw badInput(
      `webgpu adapter ${wanted} cannot be told from adapter ${taken}, which has the same name; ${choices}; ` +
        'run the worker in a container or virtual machine that has only that GPU',
    );
  }
  return { ...chosen, index: wanted };
}

/** Whether this is the name of software that emulates a GPU. */
export function isSoftware(name: string): boolean {
  return /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i.test(name);
}

/**
 * Opens an adapter.
 * @param index see `chooseAdapter`
 * @returns undefined if this host has no adapter
 */
export async function findAdapter(dawn: Dawn, index?: string): Promise<Adapter | undefined> {
  const listed = await listAdapters(dawn);
  if (listed.length === 0) return undefined;
  const { backend, name, index: position } = chooseAdapter(listed, index);
  const gpu = dawn.create([`backend=${backend}`, `adapter=${name}`]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return undefined;
  return { backend, name, index: position, software: isSoftwareAdapter(name, adapter.info), gpu };
}

function isSoftwareAdapter(name: string, info: AdapterInfo): boolean {
  return info.isFallbackAdapter || [name, info.architecture, info.device, info.description].some(isSoftware);
}

/** For display: `NVIDIA A10 (vulkan)`, or `llvmpipe (vulkan, software)`. */
export function describeAdapter({ name, backend, software }: Omit<Adapter, 'gpu'>): string {
  return `${name} (${backend}${software ? ', software' : ''})`;
}

/** What to tell the user if Dawn finds no adapter. */
export const noAdapter = {
  reason: 'no GPU was found that speaks WebGPU',
  remedy:
    process.platform === 'linux'
      ? "install the Vulkan loader (Debian: apt install libvulkan1) and the GPU's Vulkan driver"
      : "install the GPU's current driver",
} as const;
