/** tfjs's webgpu backend, started once in a process. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { badInput, messageOf, PennygradError } from '../../shared/core/errors.ts';
import { type Adapter, describeAdapter, findAdapter, noAdapter } from './webgpu-adapters.ts';
import { type Dawn, type Gpu, loadDawn } from './webgpu-packages.ts';

/** What pennygrad itself uses of the backend that tfjs-backend-webgpu registers. */
export interface WebgpuBackend {
  readonly device: WebgpuDevice;
  /** @param uniforms values of `program.uniforms`, in order */
  runWebGPUProgram(
    program: WebgpuProgram,
    inputs: readonly tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms?: readonly { readonly type: 'float32'; readonly data: readonly number[] }[],
  ): tf.TensorInfo;
}

/** What pennygrad itself uses of a `GPUDevice`. */
interface WebgpuDevice {
  readonly limits: { readonly maxStorageBufferBindingSize: number };
  readonly lost: Promise<{ readonly message: string }>;
  onuncapturederror: ((event: { readonly error: { readonly message: string } }) => void) | null;
}

/**
 * A shader as the backend takes it: what each invocation writes at its index of the output. To be made anew for each run,
 * because the backend writes into it; compiled shaders are found by `shaderKey`.
 */
export interface WebgpuProgram {
  readonly outputShape: readonly number[];
  /** Names of the inputs in the shader, where each is a storage array. */
  readonly variableNames: readonly string[];
  readonly workgroupSize: readonly [number, number, number];
  /** Which dimensions of the output each dimension of the dispatch runs over. */
  readonly dispatchLayout: { readonly x: readonly number[] };
  readonly dispatch: readonly [number, number, number];
  /** Whether `uniforms.size` is to be the size of the output. */
  readonly size: boolean;
  /** Declarations of further uniforms. */
  readonly uniforms?: string;
  /** What the shader's text depends on: it is compiled once for each. */
  readonly shaderKey: string;
  getUserCode(): string;
}

export interface StartedWebgpu {
  readonly backend: WebgpuBackend;
  /** The adapter in words. */
  readonly description: string;
  /** @throws PennygradError if the GPU failed since the start: it says so only between steps, results are rubbish then */
  check(): void;
}

let started: Promise<StartedWebgpu> | undefined;

/** Starts tfjs's webgpu backend, or gives the one that runs; it is then the current one. */
export async function startWebgpu(folder: string, adapterIndex: string | undefined): Promise<StartedWebgpu> {
  started ??= start(folder, adapterIndex);
  try {
    const result = await started;
    await tf.setBackend('webgpu');
    return result;
  } catch (error) {
    started = undefined;
    throw error;
  }
}

async function start(folder: string, adapterIndex: string | undefined): Promise<StartedWebgpu> {
  const dawn = await loadDawn(folder);
  const adapter = await findAdapter(dawn, adapterIndex);
  if (adapter === undefined) throw badInput(`${noAdapter.reason}; ${noAdapter.remedy}`);
  await loadTfjsBackend(folder, dawn, adapter.gpu);
  try {
    await tf.setBackend('webgpu');
  } catch (error) {
    throw badInput(`${describeAdapter(adapter)} gives no device: ${messageOf(error)}`, error);
  }
  const backend = tf.backend() as unknown as WebgpuBackend;
  return { backend, description: describeAdapter(adapter), check: watch(backend.device, adapter) };
}

/** Keeps the first thing that goes wrong on the device, and throws it when asked. */
function watch(device: WebgpuDevice, adapter: Adapter): () => void {
  let failure: string | undefined;
  device.onuncapturederror = ({ error }) => {
    failure ??= error.message;
  };
  void device.lost.then(({ message }) => {
    failure ??= `the device was lost: ${message}`;
  });
  return () => {
    if (failure === undefined) return;
    const remedy = /out of memory|allocat/i.test(failure) ? '; lower --batch-size, or stop what else uses the GPU' : '';
    throw new PennygradError('run-failed', `${describeAdapter(adapter)} failed: ${failure.split('\n')[0]}${remedy}`);
  };
}

/**
 * Loads tfjs's backend, which registers `webgpu` with tfjs.
 *
 * The package is written for browsers. Its CommonJS build is compiled with a browser's global variables as parameters,
 * which leaves those of this process alone (Node 20 has no `navigator`, later ones have one without a `gpu`), and with
 * pennygrad's own tfjs-core, so that there is one.
 * @param gpu the backend asks it for an adapter, and takes what it gets
 */
async function loadTfjsBackend(folder: string, { globals }: Dawn, gpu: Gpu): Promise<void> {
  const file = join(folder, 'node_modules', '@tensorflow', 'tfjs-backend-webgpu', 'dist', 'tf-backend-webgpu.node.js');
  const module = { exports: {} };
  const navigator = { gpu };
  const scope = { ...globals, navigator, globalThis: { navigator }, module, exports: module.exports, require };
  const run = compileFunction(await readFile(file, 'utf8'), Object.keys(scope), { filename: file });
  run(...Object.values(scope));
}

function require(name: string): unknown {
  if (name === '@tensorflow/tfjs-core') return tf;
  throw new Error(`tfjs-backend-webgpu requires ${name}, which no version did that this was written for`);
}
