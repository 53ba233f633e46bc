/** tfjs's wasm backend, and the part of its insides that other kernels need to work on its tensors. */
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { PennygradError } from '../../../shared/core/errors.ts';

/** The heap that tfjs's wasm backend and our kernels share. */
export interface WasmMemory {
  readonly memory: WebAssembly.Memory;
  /** Byte address of a tensor's data. Stays valid as long as the tensor. */
  addressOf(tensor: tf.TensorInfo): number;
  /** A new tensor without values yet. */
  allocate(shape: readonly number[]): tf.TensorInfo;
  /** Lets one more tensor have the same data; they go with the last of them. */
  share(dataId: tf.TensorInfo['dataId']): void;
  /** Frees a tensor that tfjs's engine has not seen. */
  free(tensor: tf.TensorInfo): void;
  /** At least `bytes` bytes, for use until the next call. */
  scratch(bytes: number): number;
  /** A view that is good until the next allocation, which may move the heap. */
  floats(address: number, length: number): Float32Array;
  bytes(address: number, length: number): Uint8Array;
}

/** What tfjs 4 leaves open of its backend. */
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

/** Starts the backend `wasm`, once for the process. */
export function startWasmBackend(): Promise<WasmMemory> {
  started ??= start();
  return started;
}

async function start(): Promise<WasmMemory> {
  setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep);
  if (!(await tf.setBackend('wasm'))) throw new Error("tfjs's wasm backend does not start");
  return shareMemory(tf.backend() as unknown as BackendInsides);
}

function shareMemory(backend: BackendInsides): WasmMemory {
  const { wasm } = backend;
  const memory = wasm.asm?.memory;
  if (memory === undefined) {
    throw new Error('this version of @tensorflow/tfjs-backend-wasm does not show its memory; pennygrad knows 4.22');
  }
  let scratchAddress = 0;
  let scratchBytes = 0;
  return {
    memory,
    // Addresses above 2 GiB come out of the module as negative numbers.
    addressOf: ({ dataId }) => backend.dataIdMap.get(dataId).memoryOffset >>> 0,
    allocate(shape) {
      const tensor = backend.makeOutput(shape, 'float32');
      // The backend does not look; the kernels would write over its own data.
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
