/** The engine for GPUs of any vendor: tfjs's WebGPU backend on Dawn. */
import * as tf from '../../shared/model/tfjs-core.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import type { TfjsBackend } from '../tfjs/tfjs-backend.ts';
import { createTfjsEngine } from '../tfjs/tfjs-engine.ts';
import { type StartedWebgpu, startWebgpu } from './webgpu-backend.ts';
import { createWebgpuImages, type WebgpuImages } from './webgpu-images.ts';
import { createWebgpuOptimizer } from './webgpu-optimizer.ts';

/**
 * @param folder where `pennygrad setup webgpu` has installed the packages
 * @param adapterIndex which GPU, see `chooseAdapter`; later engines of the process use the first engine's GPU
 */
export async function createWebgpuEngine(
  options: EngineOptions,
  folder: string,
  adapterIndex: string | undefined,
): Promise<Engine> {
  tf.enableProdMode();
  const gpu = await startWebgpu(folder, adapterIndex);
  const { train, test } = options.dataset;
  const images = createWebgpuImages(gpu.backend, [train, test]);
  try {
    return createTfjsEngine(webgpuBackend(gpu, images), options);
  } catch (error) {
    images.dispose();
    throw error;
  }
}

function webgpuBackend(gpu: StartedWebgpu, images: WebgpuImages): TfjsBackend {
  return {
    engineName: 'webgpu',
    device: gpu.description,
    readsOncePerStep: true,
    activate() {
      if (tf.getBackend() !== 'webgpu') void tf.setBackend('webgpu');
    },
    gather: images.gather,
    fuseLayer: () => undefined,
    async readInto(tensors, target) {
      // Joined on the GPU, because every read waits until the GPU has finished all earlier work.
      const joined = tf.tidy(() => tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))));
      try {
        target.set(await joined.data<'float32'>());
      } finally {
        joined.dispose();
      }
      gpu.check();
    },
    createOptimizer: (spec, variables) => createWebgpuOptimizer(gpu.backend, spec, variables),
    dispose: images.dispose,
  };
}
