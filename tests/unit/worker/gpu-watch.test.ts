import { describe, expect, it } from 'vitest';
import type { Gpu } from '../../../src/engine/tensorflow/nvidia-smi.ts';
import { systemTimers } from '../../../src/shared/core/timers.ts';
import { watchGpu } from '../../../src/worker/gpu-watch.ts';
import { createVirtualTime } from '../../support/virtual-time.ts';

const card: Gpu = { index: 0, uuid: 'GPU-1', name: 'T4', driverVersion: '550', powerWatts: 70 };

describe('watchGpu', () => {
  it('hands the first reading on at once', async () => {
    const readings: Gpu[] = [];
    const stop = watchGpu(
      async () => card,
      systemTimers,
      (gpu) => readings.push(gpu),
      () => {},
    );
    await new Promise((resolve) => setImmediate(resolve));
    stop();
    stop();
    expect(readings).toEqual([card]);
  });

  it('reads again every five seconds until it is stopped', async () => {
    const { timers, advanceAsync, pending } = createVirtualTime();
    let readings = 0;
    const stop = watchGpu(
      async () => card,
      timers,
      () => {
        readings += 1;
      },
      () => expect.unreachable(),
    );
    await advanceAsync(4999);
    expect(readings).toBe(1);
    await advanceAsync(5001);
    expect(readings).toBe(3);
    stop();
    expect(pending()).toBe(0);
  });

  it('ends with a reading that fails, and says so once', async () => {
    const failures: unknown[] = [];
    watchGpu(
      () => Promise.reject(new Error('driver gone')),
      systemTimers,
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
      systemTimers,
      () => expect.unreachable(),
      () => expect.unreachable(),
    );
    stop();
    answer(card);
    await new Promise((resolve) => setImmediate(resolve));
  });
});
