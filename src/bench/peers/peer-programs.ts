/** The peers' own programs, and the virtual environments of those in Python. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';

/** Only in the repository: the peers' own programs are not part of the package. */
export const peersFolder = fileURLToPath(new URL('../../../bench/peers/', import.meta.url));

/** Keeps every library to one thread, without a GPU. */
export const oneThread = {
  OMP_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
  OPENBLAS_NUM_THREADS: '1',
  TF_NUM_INTRAOP_THREADS: '1',
  TF_NUM_INTEROP_THREADS: '1',
  TF_CPP_MIN_LOG_LEVEL: '2',
  CUDA_VISIBLE_DEVICES: '-1',
  PYTHONDONTWRITEBYTECODE: '1',
} as const;

/** Where the environment of a Python peer is, and what it has. */
export function environmentOf(name: 'torch' | 'keras'): { readonly folder: string; readonly requirements: string } {
  return {
    folder: join(envPaths('pennygrad', { suffix: '' }).cache, 'bench-peers', name),
    requirements: join(peersFolder, `${name}-requirements.txt`),
  };
}
