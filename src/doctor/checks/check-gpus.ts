import type { Gpu } from '../../engine/tensorflow/nvidia-smi.ts';
import { formatBytes } from '../format-bytes.ts';
import type { Check } from './check.ts';

/** An empty list is not a problem, because most engines need no GPU. */
export type GpuFacts = { readonly gpus: readonly Gpu[]; readonly problem?: string };

export function checkGpus({ gpus, problem }: GpuFacts): readonly Check[] {
  const name = 'gpu';
  if (problem !== undefined) {
    const remedy = 'reinstall the NVIDIA driver, or restart after an update; wasm and cpu train without it';
    return [{ name, status: 'warn', line: problem, remedy }];
  }
  if (gpus.length === 0)
    return [{ name, status: 'ok', line: 'no NVIDIA card found (no nvidia-smi, or it lists none)' }];
  return gpus.map(({ index, name: model, driverVersion, memoryTotalBytes, memoryUsedBytes }) => {
    const memory =
      memoryTotalBytes === undefined
        ? 'memory unknown'
        : `${formatBytes(memoryTotalBytes - (memoryUsedBytes ?? 0))} free of ${formatBytes(memoryTotalBytes)}`;
    return { name, status: 'ok', line: `${index}: ${model}, ${memory}, driver ${driverVersion}` };
  });
}
