/** The wasm engine: runs traced steps if the model can be traced, and one operation at a time otherwise. */

import type { ImageShape, Split } from '../../shared/data/dataset.ts';
import * as tf from '../../shared/model/tfjs-core.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import type { TfjsBackend } from '../tfjs/tfjs-backend.ts';
import { createTfjsEngine } from '../tfjs/tfjs-engine.ts';
import { instantiateKernels, type UsableFlavour } from './kernel-module.ts';
import type { WasmDevice } from './op-by-op/wasm-convolution.ts';
import { registerWasmKernels } from './op-by-op/wasm-kernels.ts';
import { fuseWasmLayer } from './op-by-op/wasm-layers.ts';
import { startWasmBackend } from './op-by-op/wasm-memory.ts';
import { createWasmOptimizer } from './op-by-op/wasm-optimizer.ts';
import { UntraceableError } from './trace/untraceable-error.ts';
import { createTracedEngine } from './wasm-traced-engine.ts';

/** The kernels of the engine that was activated last. tfjs's registered kernels use these. */
let current: WasmDevice | undefined;

export async function createWasmEngine(options: EngineOptions, choice: UsableFlavour): Promise<Engine> {
  tf.enableProdMode();
  try {
    return await createTracedEngine(options, choice);
  } catch (error) {
    if (!(error instanceof UntraceableError)) throw error;
    return createOpByOpEngine(options, { ...choice, device: `${choice.device}, op by op (${error.message})` });
  }
}

/** For models that cannot be traced: tfjs's wasm backend with our own training kernels, one call per operation. */
export async function createOpByOpEngine(options: EngineOptions, choice: UsableFlavour): Promise<Engine> {
  tf.enableProdMode();
  const memory = await startWasmBackend();
  const device = { memory, kernels: await instantiateKernels(choice.flavour, memory.memory) };
  registerWasmKernels(() => {
    if (current === undefined) throw new Error('no wasm engine is active');
    return current;
  });
  return createTfjsEngine(wasmBackend(device, choice.device), options);
}

function wasmBackend(device: WasmDevice, description: string): TfjsBackend {
  const { memory } = device;
  return {
    engineName: 'wasm',
    device: description,
    activate() {
      if (tf.getBackend() !== 'wasm') void tf.setBackend('wasm');
      current = device;
    },
    gather: (split, imageShape, indices) => gather(device, split, imageShape, indices),
    fuseLayer: (layer, report) =>
      fuseWasmLayer(layer, (kernel, bias, dKernel, dBias) => {
        report(kernel, memory.floats(memory.addressOf(dKernel), dKernel.size));
        report(bias, memory.floats(memory.addressOf(dBias), dBias.size));
      }),
    async readInto(tensors, target) {
      let offset = 0;
      for (const tensor of tensors) {
        target.set(memory.floats(memory.addressOf(tensor), tensor.size), offset);
        offset += tensor.size;
      }
    },
    createOptimizer: (spec, variables) => createWasmOptimizer(device, spec, variables),
  };
}

/**
 * The dataset stays in JavaScript's memory as bytes. Only the batch is copied to wasm memory and converted to floats.
 */
function gather(
  { memory, kernels }: WasmDevice,
  { images }: Split,
  [height, width, channels]: ImageShape,
  indices: Uint32Array,
): tf.Tensor4D {
  const size = height * width * channels;
  const batch = memory.allocate([indices.length, height, width, channels]);
  const address = memory.scratch(indices.length * size);
  const bytes = memory.bytes(address, indices.length * size);
  indices.forEach((index, position) => {
    bytes.set(images.subarray(index * size, (index + 1) * size), position * size);
  });
  kernels.scalePixels(address, memory.addressOf(batch), indices.length * size);
  return tf.engine().makeTensorFromTensorInfo(batch) as tf.Tensor4D;
}
