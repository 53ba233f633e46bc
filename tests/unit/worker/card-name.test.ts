import { expect, it } from 'vitest';
import type { Gpu } from '../../../src/engine/tensorflow/nvidia-smi.ts';
import { nameOfCard } from '../../../src/worker/card-name.ts';

const gpu = { name: 'NVIDIA A100-SXM4-80GB' } as Gpu;
const readable = async (card: string) => (card === '1' ? gpu : undefined);
const unreadable = () => Promise.reject(new Error('nvidia-smi: not found'));

it.each([
  ['the driver, of the card that it computes on', { card: '1', device: 'TensorFlow, CUDA' }, readable, gpu.name],
  ['nobody, if the driver knows no such card', { card: '2', device: 'TensorFlow, CUDA' }, readable, undefined],
  ['nobody, if the driver cannot be asked', { card: '1', device: 'TensorFlow, CUDA' }, unreadable, undefined],
  [
    "the engine, where it is no card of NVIDIA's driver",
    { device: 'NVIDIA L4 (vulkan)' },
    unreadable,
    'NVIDIA L4 (vulkan)',
  ],
  ['nobody, where the CPU computes', { threads: 2, card: '1', device: 'wasm, 2 threads' }, readable, undefined],
])('a card is named by %s', async (_, engine, readGpu, name) => {
  expect(await nameOfCard(engine, readGpu)).toBe(name);
});
