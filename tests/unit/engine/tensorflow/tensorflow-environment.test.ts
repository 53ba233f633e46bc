import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cudaEnvironment,
  tensorflowEnvironment,
  threadsIn,
  threadsPerWorker,
  visibleDevices,
} from '../../../../src/engine/tensorflow/tensorflow-environment.ts';

describe('visibleDevices', () => {
  it.each([
    // local rank, cards, what the user set, the worker's
    [0, 4, undefined, '0'],
    [3, 4, undefined, '3'],
    [5, 4, undefined, '1'],
    [0, 0, undefined, undefined],
    [0, 4, '2,3', '2'],
    [1, 4, '2,3', '3'],
    [2, 4, '2,3', '2'],
    [1, 4, ' GPU-8f2e , GPU-11aa ', 'GPU-11aa'],
    [1, 4, '3', '3'],
    [1, 4, '0,-1,2', '0'],
    [1, 4, '-1', undefined],
    [1, 4, '', undefined],
  ])('worker %i of a host with %i cards, CUDA_VISIBLE_DEVICES=%s: %s', (rank, cards, existing, expected) => {
    expect(visibleDevices(rank, cards, existing)).toBe(expected);
  });

  it('gives as many workers as there are cards a card each', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), (cards) => {
        const dealt = Array.from({ length: cards }, (_, rank) => visibleDevices(rank, cards, undefined));
        expect(new Set(dealt).size).toBe(cards);
      }),
    );
  });
});

describe('threadsIn', () => {
  it.each([
    [{}, 8],
    [{ TF_NUM_INTRAOP_THREADS: '3' }, 3],
    [{ TF_NUM_INTRAOP_THREADS: '0' }, 8],
    [{ TF_NUM_INTRAOP_THREADS: '' }, 8],
    [{ TF_NUM_INTRAOP_THREADS: 'all' }, 8],
  ])('%j on 8 cores: %i', (environment, threads) => {
    expect(threadsIn(environment, 8)).toBe(threads);
  });
});

describe('threadsPerWorker', () => {
  it('never lets workers have more threads than there are cores, nor any worker none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 1, max: 64 }), (cores, localWorkers) => {
        const threads = threadsPerWorker({ cores, localWorkers });
        expect(threads).toBeGreaterThanOrEqual(1);
        if (localWorkers <= cores) {
          expect(threads * localWorkers).toBeLessThanOrEqual(cores);
          expect((threads + 1) * localWorkers).toBeGreaterThan(cores);
        }
      }),
    );
  });
});

describe('the environment of a local worker', () => {
  it('has its threads only, where TensorFlow has no CUDA', () => {
    expect(tensorflowEnvironment({ localRank: 1, localWorkers: 2, cores: 8, cards: 0 }, [], {})).toEqual({
      TF_NUM_INTRAOP_THREADS: '4',
      TF_NUM_INTEROP_THREADS: '1',
    });
  });

  it('has a card, the libraries and memory growth, where it has', () => {
    const place = { localRank: 1, localWorkers: 2, cores: 8, cards: 2 };
    expect(tensorflowEnvironment(place, ['/v/nvidia/cublas/lib', '/v/nvidia/cudnn/lib'], {})).toEqual({
      CUDA_VISIBLE_DEVICES: '1',
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
      TF_FORCE_GPU_ALLOW_GROWTH: 'true',
      LD_LIBRARY_PATH: '/v/nvidia/cublas/lib:/v/nvidia/cudnn/lib',
      TF_NUM_INTRAOP_THREADS: '4',
      TF_NUM_INTEROP_THREADS: '1',
    });
  });

  it('leaves alone what the user has set, and keeps their libraries', () => {
    const existing = {
      TF_NUM_INTRAOP_THREADS: '1',
      TF_NUM_INTEROP_THREADS: '3',
      TF_FORCE_GPU_ALLOW_GROWTH: 'false',
      CUDA_DEVICE_ORDER: 'FASTEST_FIRST',
      LD_LIBRARY_PATH: '/mine',
      CUDA_VISIBLE_DEVICES: '-1',
    };
    const place = { localRank: 0, localWorkers: 1, cores: 8, cards: 2 };
    expect(tensorflowEnvironment(place, ['/v'], existing)).toEqual({ LD_LIBRARY_PATH: '/v:/mine' });
    expect(cudaEnvironment([], existing)).toEqual({});
  });
});
