/**
 * The two npm packages behind the webgpu engine: Dawn's bindings for Node and tfjs's backend on top of WebGPU. They are
 * no dependencies, for their size: `pennygrad setup webgpu` installs them in a folder of their own.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { badInput, messageOf } from '../../shared/core/errors.ts';

/** Exact versions: what is installed is what was tested. That of tfjs is tfjs-core's. */
export const webgpuPackages = { webgpu: '0.6.2', '@tensorflow/tfjs-backend-webgpu': '4.22.0' } as const;

/** What of an adapter's description (`GPUAdapterInfo`) tells which one it is. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
}

/** What pennygrad itself uses of WebGPU's `GPU` object. */
export interface Gpu {
  requestAdapter(): Promise<{ readonly info: AdapterInfo } | null>;
}

export interface Dawn {
  /** @param options `KEY=VALUE`, for example `backend=vulkan` */
  create(options: readonly string[]): Gpu;
  /** What a browser has as global variables: `GPUBuffer`, `GPUBufferUsage`, … */
  readonly globals: Readonly<Record<string, unknown>>;
}

const manifestName = 'manifest.json';

/** Where setup notes that everything is there and has trained: written last, so an engine without it is not used. */
export function manifestPath(folder: string): string {
  return join(folder, manifestName);
}

/** Whether setup got to its end in this folder, with the versions that this pennygrad uses. */
export async function isSetUp(folder: string): Promise<boolean> {
  if (!existsSync(manifestPath(folder))) return false;
  try {
    const { packages } = JSON.parse(await readFile(manifestPath(folder), 'utf8')) as { packages: unknown };
    return JSON.stringify(packages) === JSON.stringify(webgpuPackages);
  } catch {
    return false;
  }
}

/** @throws PennygradError if the package is not there or not for this platform */
export async function loadDawn(folder: string): Promise<Dawn> {
  const entry = join(folder, 'node_modules', 'webgpu', 'index.js');
  // With each adapter a desktop is looked for, and libwayland complains on stderr where there is no folder to look in.
  // This one has no desktop, and is the user's own: in a folder that is open to all, anybody could pose as one.
  process.env.XDG_RUNTIME_DIR ||= folder;
  try {
    return (await import(/* @vite-ignore */ pathToFileURL(entry).href)) as Dawn;
  } catch (error) {
    const platform = `${process.platform}-${process.arch}`;
    throw badInput(
      `the npm package webgpu in ${folder} does not load on ${platform} (${messageOf(error).split('\n')[0]}); ` +
        'delete that folder and run: pennygrad setup webgpu',
      error,
    );
  }
}
