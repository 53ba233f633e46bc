/**
 * The two npm packages that the webgpu engine uses: Dawn's bindings for Node, and tfjs's WebGPU backend. They are too
 * large to be dependencies; `pennygrad setup webgpu` installs them in a folder of their own.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { badInput, messageOf } from '../../shared/core/errors.ts';

/** Exact versions, so that what is installed is what was tested. The backend's version must be that of tfjs-core. */
export const webgpuPackages = { webgpu: '0.6.2', '@tensorflow/tfjs-backend-webgpu': '4.22.0' } as const;

/** The part of WebGPU's `GPUAdapterInfo` that identifies an adapter. */
export interface AdapterInfo {
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
}

/** The part that pennygrad uses of WebGPU's `GPU` object. */
export interface Gpu {
  requestAdapter(): Promise<{ readonly info: AdapterInfo } | null>;
}

export interface Dawn {
  /** @param options `KEY=VALUE`, for example `backend=vulkan` */
  create(options: readonly string[]): Gpu;
  /** The globals that a browser has: `GPUBuffer`, `GPUBufferUsage`, … */
  readonly globals: Readonly<Record<string, unknown>>;
}

const manifestName = 'manifest.json';

/** The file that setup writes last, after a successful trial. Without it the engine is not used. */
export function manifestPath(folder: string): string {
  return join(folder, manifestName);
}

/** Whether setup has finished in this folder, with the versions that this pennygrad uses. */
export async function isSetUp(folder: string): Promise<boolean> {
  if (!existsSync(manifestPath(folder))) return false;
  try {
    const { packages } = JSON.parse(await readFile(manifestPath(folder), 'utf8')) as { packages: unknown };
    return JSON.stringify(packages) === JSON.stringify(webgpuPackages);
  } catch {
    return false;
  }
}

/** The URL of Dawn's bindings. */
export function dawnEntry(folder: string): string {
  return pathToFileURL(join(folder, 'node_modules', 'webgpu', 'index.js')).href;
}

/** @throws PennygradError if the package is missing or has no build for this platform */
export async function loadDawn(folder: string): Promise<Dawn> {
  // Dawn looks for a desktop with each adapter, and libwayland complains on stderr if this variable is not set. The
  // folder must be the user's own: in a shared folder, anybody could pose as the desktop.
  process.env.XDG_RUNTIME_DIR ||= folder;
  try {
    return (await import(/* @vite-ignore */ dawnEntry(folder))) as Dawn;
  } catch (error) {
    const platform = `${process.platform}-${process.arch}`;
    throw badInput(
      `the npm package webgpu in ${folder} does not load on ${platform} (${messageOf(error).split('\n')[0]}); ` +
        'delete that folder and run: pennygrad setup webgpu',
      error,
    );
  }
}
