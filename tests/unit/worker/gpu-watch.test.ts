import { describe, expect, it } from 'vitest';
import type { Gpu } from '../../../src/engine/tensorflow/nvidia-smi.ts';
import { watchGpu } from '../../../src/worker/gpu-watch.ts';

const card: Gpu = { index: 0, uuid: 'GPU-1', name: 'T4', driverVersion: '550', powerWatts: 70 };

describe('watchGpu', () => {
  it('hands the first reading on at once', async () => {
    const readings: Gpu[] = [];
    const stop = watchGpu(
      async () => card,
      (gpu) => readings.push(gpu),
      () => {},
    );
    await new Promise((resolve) => setImmediate(resolve));
    stop();
    stop();
    expect(readings).toEqual([card]);
  });

  it('ends with a reading that fails, and says so once', async () => {
    const failures: unknown[] = [];
    watchGpu(
      () => Promise.reject(new Error('driver gone')),
      () => expect.unreachable(),
      (error) => failures.push(error),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toEqual([new Error('driver gone')]);
  });

  it('hands nothing on after it was stopped', async () => {
    let answer = (_: Gpu) => {};
    const stop = watchGpu(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
      () => expect.unreachable(),
      () => expect.unreachable(),
    );
    stop();
    answer(card);
    await new Promise((resolve) => setImmediate(resolve));
  });
});
