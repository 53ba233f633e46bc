/** tfjs's wasm backend, and access to its memory for our own kernels. */
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import type * as wasmBackend from '@tensorflow/tfjs-backend-wasm';
import { PennygradError } from '../../../shared/core/errors.ts';
import * as tf from '../../../shared/model/tfjs-core.ts';

/** The heap that tfjs's wasm backend and our kernels share. */
export interface WasmMemory {
  readonly memory: WebAssembly.Memory;
  /** Byte address of a tensor's data. Valid as long as the tensor. */
  addressOf(tensor: tf.TensorInfo): number;
  /** A new float32 tensor with undefined values. */
  allocate(shape: readonly number[]): tf.TensorInfo;
  /** Counts one more tensor with this data, which is freed with its last tensor. */
  share(dataId: tf.TensorInfo['dataId']): void;
  /** Frees a tensor that tfjs's engine does not know. */
  free(tensor: tf.TensorInfo): void;
  /** The address of at least `bytes` bytes, for use until the next call. */
  scratch(bytes: number): number;
  /** Views are only valid until the next allocation, which may move the heap. */
  floats(address: number, length: number): Float32Array;
  bytes(address: number, length: number): Uint8Array;
}

/** Internals of the backend that tfjs 4 exposes. */
interface BackendInsides {
  readonly wasm: {
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  incRef(dataId: object): void;
  disposeData(dataId: object): boolean;
}

let started: Promise<WasmMemory> | undefined;

/** Starts the backend `wasm`, once per process. */
export function startWasmBackend(): Promise<WasmMemory> {
  started ??= start();
  return started;
}

async function start(): Promise<WasmMemory> {
  // Only models that cannot be traced need it.
  const require = createRequire(import.meta.url);
  const { setWasmPaths }: typeof wasmBackend = require('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  if (!(await tf.setBackend('wasm'))) throw new Error("tfjs's wasm backend does not start");
  return shareMemory(tf.backend() as unknown as BackendInsides);
}

function shareMemory(backend: BackendInsides): WasmMemory {
  const { wasm } = backend;
  const memory = wasm.asm?.memory;
  if (memory === undefined) {
    throw new Error('this version of @tensorflow/tfjs-backend-wasm hides its memory; install version 4.22');
  }
  let scratchAddress = 0;
  let scratchBytes = 0;
  return {
    memory,
    // The module returns addresses above 2 GiB as negative numbers.
    addressOf: ({ dataId }) => backend.dataIdMap.get(dataId).memoryOffset >>> 0,
    allocate(shape) {
      const tensor = backend.makeOutput(shape, 'float32');
      // The backend does not check this, and the kernels would overwrite its own data.
      if (backend.dataIdMap.get(tensor.dataId).memoryOffset === 0 && shape.every((size) => size > 0)) {
        throw new PennygradError('run-failed', `out of WebAssembly memory for ${shape.join('×')}; lower --batch-size`);
      }
      return tensor;
    },
    share: (dataId) => backend.incRef(dataId),
    free: ({ dataId }) => void backend.disposeData(dataId),
    scratch(bytes) {
      if (bytes > scratchBytes) {
        if (scratchBytes > 0) wasm._free(scratchAddress);
        scratchBytes = bytes;
        scratchAddress = wasm._malloc(bytes) >>> 0;
        if (scratchAddress === 0) throw new Error(`out of WebAssembly memory: no room for ${bytes} more bytes`);
      }
      return scratchAddress;
    },
    floats: (address, length) => new Float32Array(memory.buffer, address, length),
    bytes: (address, length) => new Uint8Array(memory.buffer, address, length),
  };
}
