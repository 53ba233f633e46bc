/** tfjs's webgpu backend, which is started once per process. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { badInput, messageOf, PennygradError } from '../../shared/core/errors.ts';
import * as tf from '../../shared/model/tfjs-core.ts';
import { type Adapter, describeAdapter, findAdapter, noAdapter } from './webgpu-adapters.ts';
import { type Dawn, type Gpu, loadDawn } from './webgpu-packages.ts';

/** The part that pennygrad uses of the backend that tfjs-backend-webgpu registers. */
export interface WebgpuBackend {
  readonly device: WebgpuDevice;
  /** @param uniforms values for `program.uniforms`, in order */
  runWebGPUProgram(
    program: WebgpuProgram,
    inputs: readonly tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms?: readonly { readonly type: 'float32'; readonly data: readonly number[] }[],
  ): tf.TensorInfo;
}

/** The part that pennygrad uses of a `GPUDevice`. */
interface WebgpuDevice {
  readonly limits: { readonly maxStorageBufferBindingSize: number };
  readonly lost: Promise<{ readonly message: string }>;
  onuncapturederror: ((event: { readonly error: { readonly message: string } }) => void) | null;
}

/**
 * A compute shader in the backend's format; each invocation writes the output at its own index. Make a new object for
 * every run, because the backend modifies it. Compiled shaders are cached by `shaderKey`.
 */
export interface WebgpuProgram {
  readonly outputShape: readonly number[];
  /** The inputs' names in the shader, where each is a storage array. */
  readonly variableNames: readonly string[];
  readonly workgroupSize: readonly [number, number, number];
  /** Which dimensions of the output each dimension of the dispatch covers. */
  readonly dispatchLayout: { readonly x: readonly number[] };
  readonly dispatch: readonly [number, number, number];
  /** Whether the shader needs the output's size in `uniforms.size`. */
  readonly size: boolean;
  /** Declarations of further uniforms. */
  readonly uniforms?: string;
  /** Identifies the shader's source: it is compiled once per key. */
  readonly shaderKey: string;
  getUserCode(): string;
}

export interface StartedWebgpu {
  readonly backend: WebgpuBackend;
  /** The adapter, for display. */
  readonly description: string;
  /**
   * @throws PennygradError if the GPU has failed since the start. The API reports this late; results are then wrong.
   */
  check(): void;
}

let started: Promise<StartedWebgpu> | undefined;

/** Makes tfjs's webgpu backend the current one, and starts it if it is not running. */
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
    throw badInput(`${describeAdapter(adapter)} cannot be opened: ${messageOf(error)}`, error);
  }
  const backend = tf.backend() as unknown as WebgpuBackend;
  return { backend, description: describeAdapter(adapter), check: watch(backend.device, adapter) };
}

/** Remembers the device's first failure. The returned function throws it. */
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
    const remedy = /out of memory|allocat/i.test(failure)
      ? '; lower --batch-size, or stop other programs that use the GPU'
      : '';
    throw new PennygradError('run-failed', `${describeAdapter(adapter)} failed: ${failure.split('\n')[0]}${remedy}`);
  };
}

/**
 * Loads tfjs's backend, which registers `webgpu` with tfjs.
 *
 * The package is written for browsers. Its CommonJS build is compiled here with a browser's globals as parameters,
 * which leaves this process's globals unchanged (Node 20 has no `navigator`; in later versions it has no `gpu`). It
 * also gets pennygrad's own tfjs-core, so that the process has only one.
 * @param gpu where the backend requests its adapter
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
  if (name === '@tensorflow/tfjs-core') return tf.tfjsCore;
  throw new Error(`tfjs-backend-webgpu requires ${name}, which pennygrad does not provide`);
}
