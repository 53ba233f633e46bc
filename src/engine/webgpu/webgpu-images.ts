/**
 * Images stay on the GPU as bytes. A step sends indices, and a shader gathers the pixels and converts them to floats.
 */

import { PennygradError } from '../../shared/core/errors.ts';
import type { ImageShape, Split } from '../../shared/data/dataset.ts';
import * as tf from '../../shared/model/tfjs-core.ts';
import type { WebgpuBackend, WebgpuProgram } from './webgpu-backend.ts';

export interface WebgpuImages {
  /** See `TfjsBackend.gather`. */
  gather(split: Split, imageShape: ImageShape, indices: Uint32Array): tf.Tensor4D;
  dispose(): void;
}

/** @param splits are uploaded now and stay on the GPU; images of other splits are uploaded when they are gathered */
export function createWebgpuImages(backend: WebgpuBackend, splits: readonly Split[]): WebgpuImages {
  const resident = new Map(splits.map((split) => [split, upload(backend, split.images)]));

  function gather({ images }: Split, imageShape: ImageShape, indices: Uint32Array, packed: tf.Tensor1D | undefined) {
    if (packed !== undefined) return run(packed, imageShape, indices);
    const size = imageShape[0] * imageShape[1] * imageShape[2];
    const chosen = new Uint8Array(indices.length * size);
    indices.forEach((index, i) => {
      chosen.set(images.subarray(index * size, (index + 1) * size), i * size);
    });
    return run(
      upload(backend, chosen),
      imageShape,
      Uint32Array.from(indices, (_, i) => i),
    );
  }

  function run(packed: tf.Tensor1D, imageShape: ImageShape, indices: Uint32Array): tf.Tensor4D {
    const positions = tf.tensor1d(Int32Array.from(indices), 'int32');
    const result = backend.runWebGPUProgram(gatherProgram(imageShape, indices.length), [packed, positions], 'float32');
    return tf.engine().makeTensorFromTensorInfo(result) as tf.Tensor4D;
  }

  return {
    gather: (split, imageShape, indices) => tf.tidy(() => gather(split, imageShape, indices, resident.get(split))),
    dispose: () => tf.dispose([...resident.values()]),
  };
}

/** Packs four bytes into each 32-bit integer, little-endian, because WebGPU has no smaller type. */
function upload({ device }: WebgpuBackend, bytes: Uint8Array): tf.Tensor1D {
  const words = new Int32Array(Math.max(1, Math.ceil(bytes.length / 4)));
  new Uint8Array(words.buffer).set(bytes);
  const limit = device.limits.maxStorageBufferBindingSize;
  if (words.byteLength > limit) {
    throw new PennygradError(
      'run-failed',
      `the images take ${words.byteLength} bytes, but this GPU allows buffers of ${limit} bytes; use another engine`,
    );
  }
  return tf.tensor1d(words, 'int32');
}

function gatherProgram(imageShape: ImageShape, count: number): WebgpuProgram {
  const outputShape = [count, ...imageShape];
  const pixels = imageShape[0] * imageShape[1] * imageShape[2];
  const workgroupSize = [64, 1, 1] as const;
  return {
    outputShape,
    variableNames: ['images', 'positions'],
    workgroupSize,
    dispatchLayout: { x: [0, 1, 2, 3] },
    dispatch: [Math.ceil((count * pixels) / workgroupSize[0]), 1, 1],
    size: true,
    shaderKey: `pennygradGather${pixels}`,
    getUserCode: () => `
      fn main(index : i32) {
        if (index < uniforms.size) {
          let source = positions[index / ${pixels}] * ${pixels} + index % ${pixels};
          let byte = (images[source >> 2u] >> (8u * u32(source & 3))) & 255;
          setOutputAtIndex(index, f32(byte) / 255.0);
        }
      }`,
  };
}
