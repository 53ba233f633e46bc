/** The reference engine: tfjs's plain JavaScript kernels, unchanged. Slow, but simple and correct. */
import * as tf from '../../shared/model/tfjs-core.ts';
import '../tfjs/cpu-backend.ts';
import type { ImageShape, Split } from '../../shared/data/dataset.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import type { TfjsBackend } from '../tfjs/tfjs-backend.ts';
import { createTfjsEngine } from '../tfjs/tfjs-engine.ts';
import { createTfjsOptimizer } from '../tfjs/tfjs-optimizer.ts';

export async function createCpuEngine(options: EngineOptions, device: string): Promise<Engine> {
  // Otherwise tfjs prints advice to install tfjs-node.
  tf.enableProdMode();
  await tf.setBackend('cpu');
  return createTfjsEngine({ ...cpuBackend, device }, options);
}

const cpuBackend: Omit<TfjsBackend, 'device'> = {
  engineName: 'cpu',
  activate() {
    if (tf.getBackend() !== 'cpu') void tf.setBackend('cpu');
  },
  gather,
  fuseLayer: () => undefined,
  async readInto(tensors, target) {
    let offset = 0;
    for (const tensor of tensors) {
      target.set(await tensor.data<'float32'>(), offset);
      offset += tensor.size;
    }
  },
  createOptimizer: createTfjsOptimizer,
};

function gather({ images }: Split, [height, width, channels]: ImageShape, indices: Uint32Array): tf.Tensor4D {
  const size = height * width * channels;
  const pixels = new Float32Array(indices.length * size);
  indices.forEach((index, position) => {
    for (let i = 0; i < size; i++) pixels[position * size + i] = (images[index * size + i] as number) / 255;
  });
  return tf.tensor4d(pixels, [indices.length, height, width, channels]);
}
