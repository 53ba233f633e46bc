/** Which GPUs there are, and which one is used. */
import { badInput, messageOf } from '../../shared/core/errors.ts';
import type { AdapterInfo, Dawn, Gpu } from './webgpu-packages.ts';

/** An adapter as Dawn lists it: a GPU, or a program that does as one, behind one graphics interface. */
export interface ListedAdapter {
  /** `vulkan`, `metal`, `d3d12`, … */
  readonly backend: string;
  readonly name: string;
}

/** An adapter that can be had. */
export interface Adapter extends ListedAdapter {
  readonly index: number;
  /** Computes on the CPU: right, and slow. */
  readonly software: boolean;
  readonly gpu: Gpu;
}

/** The variable that chooses among several GPUs. */
export const adapterVariable = 'PENNYGRAD_WEBGPU_ADAPTER';

/**
 * The choice in the environment: a number, or several for the workers that one command starts, which take them in turn.
 * @param localRank position of this worker among those
 * @returns the number as text, as `chooseAdapter` takes it
 */
export function adapterOf(
  environment: Readonly<Record<string, string | undefined>>,
  localRank: number,
): string | undefined {
  const choices = environment[adapterVariable]?.split(',') ?? [];
  return choices[localRank % choices.length]?.trim() || undefined;
}

/**
 * Every adapter, best first by Dawn's judgement. Dawn tells only in the error that it raises when it is asked for one
 * that does not exist; where there is none at all, it gives null instead.
 */
export async function listAdapters(dawn: Dawn): Promise<readonly ListedAdapter[]> {
  try {
    await dawn.create(['adapter=(none has this name)']).requestAdapter();
    return [];
  } catch (error) {
    return parseListing(messageOf(error));
  }
}

/** The adapters named in Dawn's error message, a line each: ` * backend: 'vulkan', name: 'NVIDIA A10'`. */
export function parseListing(message: string): readonly ListedAdapter[] {
  return [...message.matchAll(/^ \* backend: '([^']*)', name: '(.*)'$/gm)].map(([, backend = '', name = '']) => ({
    backend,
    name,
  }));
}

/**
 * The adapter to use: the one asked for, else the first that is not known by its name as software, else the first.
 * @param index position in the list, from 0, as text that a user wrote
 * @throws PennygradError if there is none, or if Dawn would take another one for it: it goes by name alone
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
    throw badInput(`${adapterVariable} must be the number of an adapter, got '${index}'; ${choices}`);
  }
  const taken = listed.findIndex(({ backend, name }) => backend === chosen.backend && name.includes(chosen.name));
  if (taken !== wanted) {
    throw badInput(
      `webgpu adapter ${wanted} cannot be told from adapter ${taken}, which has the same name; ${choices}; ` +
        'give the worker a container or a virtual machine that has that GPU only',
    );
  }
  return { ...chosen, index: wanted };
}

/** Whether a name is that of a GPU that is only emulated. */
export function isSoftware(name: string): boolean {
  return /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i.test(name);
}

/**
 * Asks for an adapter.
 * @param index as of `chooseAdapter`
 * @returns nothing if there is no adapter
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

/** `NVIDIA A10 (vulkan)`; what only emulates a GPU says so. */
export function describeAdapter({ name, backend, software }: Omit<Adapter, 'gpu'>): string {
  return `${name} (${backend}${software ? ', software' : ''})`;
}

/** What is missing where Dawn finds no adapter, and how to get it. */
export const noAdapter = {
  reason: 'no GPU was found that speaks WebGPU',
  remedy:
    process.platform === 'linux'
      ? "install the Vulkan loader (Debian: apt install libvulkan1) and the GPU's Vulkan driver"
      : "install the GPU's current driver",
} as const;
